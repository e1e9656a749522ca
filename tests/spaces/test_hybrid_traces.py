import numpy as np

from archlock.hwcost import OpKind, trace
from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.registry import load_space

SPACE = load_space("hybrid")
IO = IOSpec(1, 8, 8, OutputKind.CLASSES, 10)


def test_two_hundred_random_genotypes_trace():
    """Every one reaches its output through matrix work, with the weights that the network holds."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        network = SPACE.build(SPACE.sample(rng), IO)
        workload = trace(network, (1, *IO.input_shape))
        kernels = sum(parameter.numel() for parameter in network.parameters() if parameter.dim() > 1)
        assert workload.macs > 0
        assert workload.weight_bytes >= kernels


def test_attention_is_traced_as_dynamic_products():
    """One query-key and one attention-value product per ViT block, neither with stored weights; a CNN has none."""
    names = [choice.name for choice in SPACE.choices]
    genes = [0] * len(names)
    genes[names.index("stage0.block")] = SPACE.choices[names.index("stage0.block")].options.index("ViT")
    genes[names.index("stage0.vit_depth")] = 1
    workload = trace(SPACE.build(tuple(genes), IO), (1, *IO.input_shape))
    products = workload.layers.kind == OpKind.MATMUL
    assert SPACE.describe(tuple(genes))["stage0.vit_depth"] == 2
    assert int((products & workload.layers.dynamic).sum()) == 4
    genes[names.index("stage0.block")] = 1
    cnn = trace(SPACE.build(tuple(genes), IO), (1, *IO.input_shape))
    assert not cnn.layers.dynamic.any()
    assert OpKind.SOFTMAX not in cnn.layers.kind
