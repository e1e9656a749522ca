import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Networks this small lose time on more threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
