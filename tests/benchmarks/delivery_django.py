"""The reference: django-newsletter sends its own newsletter; run by the Python of an environment that has it.

`python delivery_django.py FOLDER PORT SUBSCRIBERS ARTICLES HTML_BYTES` prints what it measured as a line of JSON. All
is as its manual sets it up: SQLite, Django's SMTP backend, its shipped templates, its `submit_newsletter` command.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from importlib import import_module
from types import ModuleType

PARAGRAPH = (
    "<p>"
    + "Attention over long contexts is cheap once its keys and values are kept, says this paper. " * 4
    + "It is worth <b>an hour</b> of <a href='https://papers.example/1'>reading</a>.</p>\n"
)


class Failures(logging.Handler):
    """Counts the mails that could not be handed over, which it only logs."""

    seen = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.seen += record.levelno >= logging.ERROR


def set_up(folder: str, port: int) -> None:
    """Configure Django with nothing but what the newsletter needs, and make its tables."""
    urls = sys.modules["bench_urls"] = ModuleType("bench_urls")
    import_module("django.conf").settings.configure(
        SECRET_KEY="made up",
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sites",
            "sorl.thumbnail",
            "newsletter",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/db.sqlite3"}},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        NEWSLETTER_THUMBNAIL="sorl-thumbnail",
        NEWSLETTER_USE_HTTPS=True,
        ROOT_URLCONF="bench_urls",
        SITE_ID=1,
        USE_TZ=True,
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
    )
    import_module("django").setup()
    routes = import_module("django.urls")
    urls.__dict__["urlpatterns"] = [routes.path("newsletter/", routes.include("newsletter.urls"))]
    import_module("django.core.management").call_command("migrate", verbosity=0)


def submission_of(subscribers: int, articles: int, html_bytes: int) -> object:
    """Store a newsletter, its subscribers and a message, and return its submission, ready to be sent."""
    models = import_module("newsletter.models")
    letter = models.Newsletter.objects.create(
        title="Daily Digest", slug="digest", email="digest@newsletter.example", sender="Daily Digest"
    )
    letter.site.set(import_module("django.contrib.sites.models").Site.objects.all())
    models.Subscription.objects.bulk_create(
        models.Subscription(newsletter=letter, email_field=f"r{n}@mail{n % 50}.example", subscribed=True)
        for n in range(subscribers)
    )
    message = models.Message.objects.create(title="Papers of 2026-07-14", slug="papers", newsletter=letter)
    body = PARAGRAPH * (html_bytes // articles // len(PARAGRAPH))
    for n in range(articles):
        models.Article(post=message, title=f"Article {n}", text=body, url=f"https://papers.example/{n}").save()
    submission = models.Submission.from_message(message)
    submission.prepared = True
    submission.save()
    return submission


def main(folder: str, port: int, subscribers: int, articles: int, html_bytes: int) -> dict[str, float]:
    """Send, and return the seconds, the CPU seconds and what was sent."""
    set_up(folder, port)
    submission_of(subscribers, articles, html_bytes)
    failures = Failures()
    logging.getLogger("newsletter").addHandler(failures)
    models = import_module("newsletter.models")
    wall, cpu = time.perf_counter(), time.process_time()
    import_module("django.core.management").call_command("submit_newsletter", verbosity=0)
    taken = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    submission = models.Submission.objects.get()
    mail = submission.get_message(submission.subscriptions.first())
    return {
        **taken,
        "sent": subscribers * submission.sent,
        "failed": failures.seen,
        "html": len(mail.alternatives[0][0].encode()),
        "mail": len(mail.message().as_bytes(linesep="\r\n")),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], *map(int, sys.argv[2:]))))
