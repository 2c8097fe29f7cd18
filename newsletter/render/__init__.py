"""The fourth room: a digest becomes subject, HTML and text. Pure but for reading templates; it knows no mailer."""
