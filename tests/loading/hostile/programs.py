"""Exported programs with pickles or machine code in their archive, or tensors that are not what they say.

torch.export.load would run the pickles.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostile.corpus import Corpus
from hostile.genuine import program
from hostile.payloads import changed_json, payload, rezipped, with_member
from hostile.state_dicts import torch_zip

CORPUS = Corpus()


def config(change: Callable[[Any], None], part: str = "weights") -> bytes:
    """A program whose description of stored tensors is changed."""
    return changed_json(program(), f"_{part}_config.json", change)


def first_meta(config: Any) -> Any:
    """The description of a program's first stored tensor."""
    return next(iter(config["config"].values()))


@CORPUS.add("model.pt2", r"'body\.0\.weight' is pickled, and torch would run what it holds")
def pickled_weight(canary: Path) -> bytes:
    made = config(lambda value: first_meta(value).update(use_pickle=True))
    return rezipped(made, lambda members: members.update({n: payload(canary) for n in members if "/weight_" in n}))


@CORPUS.add("model.pt2", "'evil' is pickled, and torch would run what it holds")
def pickled_constant(canary: Path) -> bytes:
    entry = {"path_name": "custom_obj_0", "is_param": False, "use_pickle": True, "tensor_meta": None}
    made = config(lambda value: value["config"].update(evil=entry), "constants")
    return with_member("data/constants/tensor_0", payload(canary), made)


@CORPUS.add("model.pt2", "member 'data/constants/custom_obj_0' is not part of a plain exported program")
def pickled_object(canary: Path) -> bytes:
    return with_member("data/constants/custom_obj_0", payload(canary))


@CORPUS.add("model.pt2", r"member 'data/weights/model\.pt' is not part of a plain exported program")
def pickled_member(canary: Path) -> bytes:
    return with_member("data/weights/model.pt", torch_zip(payload(canary)))


@CORPUS.add("model.pt2", r"sample_inputs/model\.pt: a pickle that asks for a call of (posix|nt)\.system")
def pickled_sample_inputs(canary: Path) -> bytes:
    def edit(members: dict[str, bytes]) -> None:
        name = next(each for each in members if "sample_inputs" in each)
        members[name] = torch_zip(payload(canary))

    return rezipped(program(), edit)


@CORPUS.add("model.pt2", "a compiled program: machine code is never run")
def compiled_member(canary: Path) -> bytes:
    return with_member("data/aotinductor/model/wrapper.so", b"\x7fELF")


@CORPUS.add("model.pt2", "extra/notes holds a pickle")
def extra_pickle(canary: Path) -> bytes:
    return with_member("extra/notes", payload(canary))


@CORPUS.add("model.pt2", r"body\.0\.weight: 1,099,511,627,776 elements, more than")
def huge_view_of_a_small_storage(canary: Path) -> bytes:
    def edit(value: Any) -> None:
        meta = first_meta(value)["tensor_meta"]
        meta["sizes"], meta["strides"] = [{"as_int": 2**20}] * 2, [{"as_int": 0}] * 2

    return config(edit)


@CORPUS.add("model.pt2", r"body\.0\.weight: reaches to element 1,000,107 of a storage of 108")
def beyond_the_storage(canary: Path) -> bytes:
    return config(lambda value: first_meta(value)["tensor_meta"].update(storage_offset={"as_int": 10**6}))


@CORPUS.add("model.pt2", r"body\.0\.weight: sizes .* strides \[-9, -9, -9, -9\] or offset 0 out of range")
def negative_stride(canary: Path) -> bytes:
    return config(lambda value: first_meta(value)["tensor_meta"].update(strides=[{"as_int": -9}] * 4))


@CORPUS.add("model.pt2", r"lies in '\.\./\.\./\.\./etc/passwd', which is no raw tensor")
def path_of_a_weight(canary: Path) -> bytes:
    return config(lambda value: first_meta(value).update(path_name="../../../etc/passwd"))


@CORPUS.add("model.pt2", r"'__class__\.__init__' is no dotted name of a tensor")
def name_of_a_weight(canary: Path) -> bytes:
    def edit(value: Any) -> None:
        value["config"]["__class__.__init__"] = first_meta(value)

    return config(edit)
