"""The gRPC service google.pubsub.v1.Publisher."""

from typing import Any

import grpc

from infra.local.pubsub import wire
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.rpc import service, unary


class Publisher:
    """Topics, and publishing to them. UpdateTopic, snapshots and detaching are unimplemented."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def handler(self) -> grpc.GenericRpcHandler:
        """What the server serves."""
        return service(
            "google.pubsub.v1.Publisher",
            {
                "CreateTopic": unary(self.create_topic, "Topic", "Topic"),
                "GetTopic": unary(self.get_topic, "GetTopicRequest", "Topic"),
                "ListTopics": unary(self.list_topics, "ListTopicsRequest", "ListTopicsResponse"),
                "DeleteTopic": unary(self.delete_topic, "DeleteTopicRequest", "Empty"),
                "Publish": unary(self.publish, "PublishRequest", "PublishResponse"),
                "ListTopicSubscriptions": unary(
                    self.list_subscriptions, "ListTopicSubscriptionsRequest", "ListTopicSubscriptionsResponse"
                ),
            },
        )

    def create_topic(self, request: Any) -> Any:
        """Add a topic."""
        self._broker.create_topic(request.name, request)
        return request

    def get_topic(self, request: Any) -> Any:
        """One topic."""
        return self._broker.topic(request.topic)

    def list_topics(self, request: Any) -> Any:
        """The topics of a project."""
        prefix = f"{request.project}/topics/"
        topics = [topic for name, topic in self._broker.topics.items() if name.startswith(prefix)]
        part, token = wire.page(topics, request)
        return wire.protobuf("ListTopicsResponse")(topics=part, next_page_token=token)

    def delete_topic(self, request: Any) -> Any:
        """Remove a topic."""
        self._broker.delete_topic(request.topic)
        return wire.protobuf("Empty")()

    def publish(self, request: Any) -> Any:
        """Hand messages to the subscriptions of a topic."""
        messages = [wire.message_from(message) for message in request.messages]
        ids = self._broker.publish(request.topic, messages)
        return wire.protobuf("PublishResponse")(message_ids=ids)

    def list_subscriptions(self, request: Any) -> Any:
        """The names of a topic's subscriptions."""
        self._broker.topic(request.topic)
        names = [live.queue.config.name for live in self._broker.of_topic(request.topic)]
        part, token = wire.page(names, request)
        return wire.protobuf("ListTopicSubscriptionsResponse")(subscriptions=part, next_page_token=token)
