"""What is always true of servers, across tables."""

from koogallery.kernel.books import Invariant, register

register(
    Invariant(
        "paid_images_have_their_servers",
        "A paid image order that was not taken back has as many servers as were bought.",
        """
        SELECT orders_order.number, line.quantity, count(server.id)
        FROM orders_order
        JOIN orders_orderline AS line ON line.order_id = orders_order.id AND line.delivery_method = 'ecs'
        LEFT JOIN compute_deployment AS deployment ON deployment.order_id = orders_order.id
        LEFT JOIN compute_server AS server ON server.deployment_id = deployment.id
        WHERE orders_order.kind = 'new' AND orders_order.status IN ('processing', 'completed')
        GROUP BY orders_order.id, line.quantity HAVING count(server.id) <> line.quantity
        """,
    ),
    Invariant(
        "servers_run_when_they_say_so",
        "A server that is on has one open run, any other none.",
        """
        SELECT server.public_id, server.status FROM compute_server AS server
        WHERE (server.status IN ('running', 'rebooting')) <> EXISTS (
            SELECT 1 FROM compute_serverrun AS run WHERE run.server_id = server.id AND run.stopped_at IS NULL
        )
        """,
    ),
    Invariant(
        "runs_do_not_overlap",
        "A server runs once at a time.",
        """
        SELECT one.server_id, one.started_at FROM compute_serverrun AS one
        JOIN compute_serverrun AS other ON other.server_id = one.server_id AND other.id > one.id
        WHERE other.started_at < coalesce(one.stopped_at, 'infinity')
          AND one.started_at < coalesce(other.stopped_at, 'infinity')
        """,
    ),
    Invariant(
        "deleted_servers_left_nothing",
        "Nothing is wanted at the provider for a server that is deleted.",
        """
        SELECT server.public_id, resource.token FROM compute_server AS server
        JOIN compute_cloudresource AS resource ON resource.server_id = server.id AND resource.status <> 'gone'
        WHERE server.status = 'deleted'
        """,
    ),
    Invariant(
        "passwords_of_servers_are_erased",
        "Only servers that are still to be made keep a password, and only as a token of SECRETS_KEYS.",
        """
        SELECT orders_order.number FROM compute_deployment AS deployment
        JOIN orders_order ON orders_order.id = deployment.order_id
        WHERE deployment.password IS NOT NULL AND (
            deployment.status NOT IN ('waiting', 'building') OR deployment.password !~ '^gAAAA[A-Za-z0-9_-]+=*$'
        )
        """,
    ),
    Invariant(
        "servers_belong_to_the_buyer",
        "A server, its network and its subscriptions belong to the account that ordered it.",
        """
        SELECT server.public_id FROM compute_server AS server
        JOIN compute_deployment AS deployment ON deployment.id = server.deployment_id
        JOIN orders_order ON orders_order.id = deployment.order_id
        JOIN compute_subnet AS subnet ON subnet.id = deployment.subnet_id
        JOIN orders_subscription AS app ON app.id IN (server.subscription_id, server.image_subscription_id)
        WHERE server.account_id <> orders_order.account_id OR subnet.account_id <> orders_order.account_id
           OR app.account_id <> orders_order.account_id
        """,
    ),
)
