"""Requests and deliveries kept whole, criteria pinned, who handles a flow, messages, encrypted license keys."""

import django.contrib.postgres.fields
import django.db.models.deletion
import koogallery.kernel.clock
import koogallery.kernel.ids
import koogallery.kernel.secrets
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("catalog", "0010_acceptance_criteria"),
        ("orders", "0004_previous_attributes"),
        ("supervision", "0004_uploads"),
    ]

    operations = [
        migrations.CreateModel(
            name="PlatformReview",
            fields=[],
            options={"verbose_name": "platform review", "proxy": True, "indexes": [], "constraints": []},
            bases=("supervision.serviceflow",),
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("round", models.PositiveSmallIntegerField()),
                ("note", models.TextField(blank=True)),
                ("answers", models.JSONField(default=list)),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "ordering": ["round"],
            },
        ),
        migrations.CreateModel(
            name="LicenseKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", koogallery.kernel.secrets.EncryptedTextField()),
            ],
        ),
        migrations.CreateModel(
            name="NoteTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(
                        default=koogallery.kernel.ids.public_id, editable=False, max_length=16, unique=True
                    ),
                ),
                ("title", models.CharField(max_length=80)),
                ("text", models.TextField(max_length=1000)),
                ("updated_at", models.DateTimeField(default=koogallery.kernel.clock.now, editable=False)),
            ],
            options={
                "ordering": ["title", "id"],
            },
        ),
        migrations.CreateModel(
            name="RequestRevision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField()),
                ("description", models.TextField()),
            ],
            options={
                "ordering": ["number"],
            },
        ),
        migrations.CreateModel(
            name="RequirementTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(
                        default=koogallery.kernel.ids.public_id, editable=False, max_length=16, unique=True
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("size", models.PositiveBigIntegerField()),
                ("content_type", models.CharField(max_length=100)),
                ("sha256", models.CharField(max_length=64)),
                ("file", models.FileField(max_length=200, upload_to="")),
                ("created_at", models.DateTimeField(default=koogallery.kernel.clock.now, editable=False)),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddField(
            model_name="flowrecord",
            name="failed_criteria",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=300),
                blank=True,
                default=list,
                help_text="Lines that a rejection names",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="flowrecord",
            name="mentions",
            field=models.ForeignKey(
                db_index=False,
                help_text="The step that a message is about",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="supervision.flowrecord",
            ),
        ),
        migrations.AddField(
            model_name="serviceflow",
            name="criteria",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="catalog.acceptancecriteria",
            ),
        ),
        migrations.AddField(
            model_name="serviceflow",
            name="handler",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="accounts.sellermember",
            ),
        ),
        migrations.AlterField(
            model_name="attachment",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("request", "Request"),
                    ("delivery", "Delivery"),
                    ("rejection", "Rejection"),
                    ("appeal", "Appeal"),
                    ("message", "Message"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="flowrecord",
            name="action",
            field=models.CharField(
                choices=[
                    ("open", "Order paid"),
                    ("submit-request", "Request submitted"),
                    ("confirm", "Request confirmed"),
                    ("reject-request", "Request rejected"),
                    ("deliver-draft", "Draft delivered"),
                    ("confirm-draft", "Draft confirmed"),
                    ("reject-draft", "Draft rejected"),
                    ("deliver", "Service delivered"),
                    ("approve", "Platform review passed"),
                    ("return", "Returned by platform review"),
                    ("accept", "Service accepted"),
                    ("reject", "Delivery rejected"),
                    ("remind", "Reminder sent"),
                    ("message", "Message"),
                    ("reveal-license-key", "License key shown"),
                    ("appeal", "Appeal submitted"),
                    ("withdraw-appeal", "Appeal withdrawn"),
                    ("decide-resume", "Appeal decided: resume"),
                    ("decide-redeliver", "Appeal decided: deliver again"),
                    ("decide-accept", "Appeal decided: accepted for the customer"),
                    ("decide-refund", "Appeal decided: ended with a refund"),
                    ("close", "Service closed"),
                ],
                max_length=24,
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="criteria",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="catalog.acceptancecriteria",
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="flow",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="deliveries", to="supervision.serviceflow"
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="record",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="delivery", to="supervision.flowrecord"
            ),
        ),
        migrations.AddField(
            model_name="licensekey",
            name="delivery",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="license_key", to="supervision.delivery"
            ),
        ),
        migrations.AddField(
            model_name="notetemplate",
            name="product",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="catalog.product",
            ),
        ),
        migrations.AddField(
            model_name="notetemplate",
            name="seller",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="note_templates", to="accounts.seller"
            ),
        ),
        migrations.AddField(
            model_name="requestrevision",
            name="criteria",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="catalog.acceptancecriteria",
            ),
        ),
        migrations.AddField(
            model_name="requestrevision",
            name="flow",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="requests", to="supervision.serviceflow"
            ),
        ),
        migrations.AddField(
            model_name="requestrevision",
            name="record",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="request", to="supervision.flowrecord"
            ),
        ),
        migrations.AddField(
            model_name="requirementtemplate",
            name="product",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="requirement_files", to="catalog.product"
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(fields=("flow", "round"), name="one_delivery_per_round"),
        ),
        migrations.AddConstraint(
            model_name="notetemplate",
            constraint=models.UniqueConstraint(fields=("seller", "title"), name="one_delivery_template_per_title"),
        ),
        migrations.AddConstraint(
            model_name="requestrevision",
            constraint=models.UniqueConstraint(fields=("flow", "number"), name="one_request_per_number"),
        ),
    ]
