"""Finds what ends first of an account, without waiting for who writes meanwhile."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('orders', '0043_draft_deployment'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='subscription',
            index=models.Index(
                models.F('account'),
                models.F('expires_at'),
                models.F('id'),
                condition=models.Q(('status__in', ['enabled', 'expired', 'frozen'])),
                name='subscription_account_ends',
            ),
        ),
    ]
