"""What the DNS publishes about the sender's domains (SPF, DKIM, DMARC), and what receivers will make of it.

`lookup` asks; everything else is pure: `judge.questions` says what to ask and `judge.judged` what the answers mean.
"""
