"""The kernel's own tables: what becomes due, what failed to fire, what waits to leave."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from koogallery.kernel import clock
from koogallery.kernel.backoff import ready
from koogallery.kernel.compiled import Moment


class Deadline(models.Model):
    """Something that becomes due for an owner that has more due dates than columns (notices, tries).

    The owner is named by kind and number, without a foreign key, so that the kernel knows no app.
    Set and cancelled by `koogallery.kernel.deadlines`.
    """

    owner_type = models.CharField(_("owner"), max_length=60, help_text=_("the kind, such as subscription"))
    owner_id = models.BigIntegerField(_("owner's number"))
    name = models.CharField(_("name"), max_length=80)
    due_at = models.DateTimeField(_("due"))
    fired_at = models.DateTimeField(_("fired"), null=True, editable=False)

    class Meta:
        verbose_name = _("deadline")
        verbose_name_plural = _("deadlines")
        constraints = [
            models.UniqueConstraint(
                fields=["owner_type", "owner_id", "name"],
                condition=Q(fired_at__isnull=True),
                name="kernel_deadline_unique_while_open",
            ),
        ]
        indexes = [
            models.Index(
                fields=["name", "due_at", "id"], condition=Q(fired_at__isnull=True), name="kernel_deadline_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.owner_type} {self.owner_id}"


class TimerFailureQuerySet(models.QuerySet["TimerFailure"]):
    def open(self) -> Self:
        """Failures whose row has not fired since."""
        return self.filter(resolved_at__isnull=True)

    def waiting(self, at: datetime | Moment) -> Self:
        """Open failures whose next try lies after `at`."""
        return self.open().exclude(ready("retry_at", at))


class TimerFailure(models.Model):
    """A due row that could not fire. Its due date stays where it is; this row says when to try again."""

    timer = models.CharField(_("timer"), max_length=80)
    object_id = models.BigIntegerField(_("object's number"))
    lane = models.CharField(_("lane"), max_length=120, blank=True)
    due_at = models.DateTimeField(_("due"))
    tries = models.PositiveIntegerField(_("tries"), default=0)
    retry_at = models.DateTimeField(_("next try"), null=True)
    error = models.TextField(_("error"))
    first_at = models.DateTimeField(_("first failed"))
    last_at = models.DateTimeField(_("last failed"))
    resolved_at = models.DateTimeField(_("resolved"), null=True)

    objects = TimerFailureQuerySet.as_manager()

    class Meta:
        verbose_name = _("timer failure")
        verbose_name_plural = _("timer failures")
        ordering = ["-last_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["timer", "object_id"],
                condition=Q(resolved_at__isnull=True),
                name="kernel_timerfailure_unique_while_open",
            ),
        ]
        indexes = [
            models.Index(fields=["retry_at"], condition=Q(resolved_at__isnull=True), name="kernel_timerfailure_retry"),
        ]

    def __str__(self) -> str:
        return f"{self.timer} {self.object_id}"


class OutboxQuerySet(models.QuerySet["OutboxMessage"]):
    def open(self) -> Self:
        """Not delivered yet, whether waiting, under way or stuck."""
        return self.filter(done_at__isnull=True)

    def stuck(self) -> Self:
        """Given up after too many tries; a person has to look."""
        return self.open().filter(stuck_at__isnull=False)

    @staticmethod
    def earlier_in_lane() -> models.Exists:
        """Whether an older open message of the same subscriber and subject is before a row."""
        return models.Exists(
            OutboxMessage.objects.open().filter(
                subscriber=models.OuterRef("subscriber"),
                subject=models.OuterRef("subject"),
                id__lt=models.OuterRef("id"),
            )
        )

    def ready(self, at: datetime | Moment, machine_at: datetime | Moment) -> Self:
        """Those that wait for nothing but their lane, at `at`; without those that are leased.

        Args:
            machine_at: the machine's time, by which leases end.
        """
        return self.open().filter(ready("retry_at", at), stuck_at__isnull=True).exclude(lease_until__gt=machine_at)

    def deliverable(self, at: datetime | Moment, machine_at: datetime | Moment) -> Self:
        """Whose turn it is at `at`, unless somebody carries them out right now (locked or leased)."""
        return self.ready(at, machine_at).filter(~self.earlier_in_lane())

    def under_way(self) -> Self:
        """Leased to a process that is still believed to be alive."""
        return self.open().filter(lease_until__gt=clock.machine_now())


class OutboxMessage(models.Model):
    """One event for one subscriber, written in the transaction that made it happen.

    Delivered in order of `id` within (subscriber, subject), at least once.
    `lease_until` is the machine's real time, everything else is business time.
    """

    event = models.CharField(_("event"), max_length=80)
    payload = models.JSONField(_("payload"))
    subject = models.CharField(_("subject"), max_length=120)
    subscriber = models.CharField(_("subscriber"), max_length=120)
    at = models.DateTimeField(_("happened"))
    done_at = models.DateTimeField(_("delivered"), null=True)
    tries = models.PositiveIntegerField(_("failed tries"), default=0)
    retry_at = models.DateTimeField(_("next try"), null=True)
    lease_until = models.DateTimeField(_("leased until"), null=True)
    lease = models.CharField(max_length=16, blank=True)
    stuck_at = models.DateTimeField(_("stuck since"), null=True)
    error = models.TextField(_("error"), blank=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        verbose_name = _("outbox message")
        verbose_name_plural = _("outbox messages")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["id"], condition=Q(done_at__isnull=True), name="kernel_outbox_open"),
            models.Index(
                fields=["subscriber", "subject", "id"], condition=Q(done_at__isnull=True), name="kernel_outbox_lane"
            ),
            models.Index(
                fields=["stuck_at"],
                condition=Q(done_at__isnull=True, stuck_at__isnull=False),
                name="kernel_outbox_stuck",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) | Q(stuck_at__isnull=True), name="kernel_outbox_done_is_not_stuck"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} for {self.subscriber} on {self.subject}"


class IdempotencyKey(models.Model):
    """A program's key for one logical request, with the answer that it got; the same key answers the same again.

    `scope` names whose key it is ("account:12", "seller:3"), so that the kernel knows no app.
    """

    scope = models.CharField(max_length=40)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text=_("method, address and body"))
    created_at = models.DateTimeField(default=clock.machine_now)
    status = models.PositiveSmallIntegerField(null=True, help_text=_("empty while the first request is running"))
    body = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="idempotency_key_once")]
        indexes = [models.Index("created_at", name="idempotency_key_age")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"
