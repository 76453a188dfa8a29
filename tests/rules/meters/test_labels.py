"""What a person reads in a name is what the parser reads."""

from __future__ import annotations

from billing.rules.meters import products
from billing.rules.meters.reading import read
from tests.rules.meters.labels import Label, all_labels, said_by
from tests.rules.meters.lists import Meter, all_meters


def test_every_labelled_meter_is_a_real_one_and_labelled_once() -> None:
    labelled = [Meter(item.product, item.name, item.unit) for item in all_labels()]
    assert set(labelled) <= all_meters()
    assert len(labelled) == len(set(labelled)) >= 300


def test_the_labels_are_spread_over_all_model_products() -> None:
    labelled = {item.product for item in all_labels()}
    sold = {meter.product for meter in all_meters() if products.find(meter.product)}
    assert sold <= labelled


def test_the_labels_tell_every_meaning_apart_that_readings_have() -> None:
    slots = ("capability", "meter_class", "modality", "scope", "tier", "context", "unit")
    labels = [item.label for item in all_labels() if item.label]
    variety = {slot: len({getattr(label, slot) for label in labels}) for slot in slots}
    assert min(variety.values()) >= 4, variety


def test_every_label_is_what_is_read() -> None:
    wrong: list[tuple[str, Label | None, Label | None]] = []
    for item in all_labels():
        says = said_by(read(item.product, item.name, unit_of_measure=item.unit))
        if says != item.label:
            wrong.append((item.name, item.label, says))
    assert wrong == []
