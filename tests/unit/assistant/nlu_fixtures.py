"""Training sentences and a model storage for the tests of NLU components."""

from pathlib import Path

from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

EXAMPLES = {
    "order_status": [
        "where is my order",
        "when will my parcel arrive",
        "track my delivery",
        "has my package been sent yet",
        "my order has not come",
        "what is the status of my order",
        "is my parcel on its way",
        "when do I get my delivery",
    ],
    "balance": [
        "how much do I owe",
        "what is my balance",
        "what do I have to pay this month",
        "how big is my bill",
        "tell me the amount due",
        "what's left to pay on my account",
        "show me my balance please",
        "how much is my bill",
    ],
    "book_visit": [
        "I need a technician",
        "book an engineer for me",
        "can someone come and fix it",
        "I want an appointment with a technician",
        "send an engineer to my house",
        "please arrange a visit",
        "when can an engineer come",
        "book a technician visit",
    ],
}
OUTSIDE = [
    "what is the weather like",
    "write me a poem",
    "who won the football",
    "tell me a joke",
    "how tall is the Eiffel tower",
    "sing a song",
]


def training_data(examples: dict[str, list[str]]) -> TrainingData:
    return TrainingData([Message({"text": t, "intent": intent}) for intent, texts in examples.items() for t in texts])


class Place:
    """Where one component is stored; `contents` are the files that a model archive would hold."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.storage = LocalModelStorage.create(folder)
        self.resource = Resource("component")
        self.context = ExecutionContext(GraphSchema({}), node_name="component")

    def create(self, component, **config):
        return component.create({**component.get_default_config(), **config}, self.storage, self.resource, self.context)

    def load(self, component, **config):
        return component.load({**component.get_default_config(), **config}, self.storage, self.resource, self.context)

    @property
    def contents(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.is_file())
