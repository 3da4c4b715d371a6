"""Whole machines, as trees of files: what one tells is told, what it does not have or not let us see is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potluck.agent.files import Files
from potluck.agent.reader import LOOK_AGAIN, Reader, model_folders
from potluck.agent.sensors import distinct
from potluck.core.reading import Gpu, Power, Reading, Temperature, impossible
from tests.agent import trees


def test_a_jetson_tells_its_load_rails_and_zones(tmp_path: Path) -> None:
    reading = Reader(trees.plant(tmp_path, trees.ORIN)).read()
    assert [(gpu.unified, gpu.load, gpu.memory_used_bytes) for gpu in reading.gpus] == [(True, 0.734, 9161928 << 10)]
    assert reading.power == (Power("VDD_GPU_SOC", 11.926), Power("VDD_CPU_CV", 0.0), Power("VIN_SYS_5V0", 6.489))
    assert reading.temperatures == (
        Temperature("cpu-thermal", 48.718),
        Temperature("gpu-thermal", 61.5),
        Temperature("tj-thermal", 61.5),
    )
    assert (reading.identity.host, reading.uptime_s) == ("agx0", 273612.37)
    assert [network.interface for network in reading.networks] == ["eth0"]


def test_an_integrated_gpu_is_one_by_whatever_paths_it_is_found(tmp_path: Path) -> None:
    """As in life: the short path is a link to the long one, and the library tells of the same GPU without memory."""
    device = "sys/devices/platform/17000000.gpu"
    files = trees.plant(
        tmp_path, {f"{device}/load": "250\n", "sys/devices/gpu.0": f"{trees.LINK}platform/17000000.gpu"}
    )
    library = (Gpu(name="Orin (nvgpu)", unified=True),)
    gpus = Reader(files, library=lambda: library).read().gpus
    assert gpus == (Gpu(name="17000000.gpu", unified=True, load=0.25),)


def test_an_old_jetson_is_read_by_its_old_paths(tmp_path: Path) -> None:
    reading = Reader(trees.plant(tmp_path, trees.OLD_JETSON)).read()
    assert [gpu.load for gpu in reading.gpus] == [0.0]
    assert reading.power == (Power("POM_5V_IN", 1.843), Power("POM_5V_GPU", 0.0))
    assert [each.sensor for each in reading.temperatures] == ["AO-therm", "GPU-therm"]


def test_a_server_has_cards_of_two_makers_and_two_disks_of_one_name(tmp_path: Path) -> None:
    card = Gpu(name="NVIDIA RTX", load=0.5, memory_total_bytes=24, memory_free_bytes=20)
    reading = Reader(trees.plant(tmp_path, trees.SERVER), library=lambda: (card,)).read()
    assert reading.gpus[0] == card
    assert (reading.gpus[1].load, reading.gpus[1].memory_free_bytes) == (0.17, 16_000_000_000)
    names = [each.sensor for each in reading.temperatures]
    assert names == ["nvme Composite", "nvme Composite 2", "k10temp Tctl"]
    assert reading.power == (Power("PPT", 38.0),)


def test_the_load_is_that_between_two_readings(tmp_path: Path) -> None:
    reader = Reader(trees.plant(tmp_path, trees.LINUX))
    assert reader.read().cpu.load is None
    trees.plant(tmp_path, {"proc/stat": trees.STAT_LATER})
    assert reader.read().cpu.load == 0.2


def test_a_sensor_that_comes_later_is_seen_before_long(tmp_path: Path) -> None:
    reader = Reader(trees.plant(tmp_path, trees.LINUX))
    assert reader.read().temperatures == ()
    trees.plant(tmp_path, trees.ORIN)
    assert any(reader.read().temperatures for _ in range(LOOK_AGAIN))


def test_where_no_interface_has_hardware_all_but_the_machines_own_are_told(tmp_path: Path) -> None:
    reading = Reader(trees.plant(tmp_path, {"proc/net/dev": trees.NET_DEV})).read()
    assert [network.interface for network in reading.networks] == ["eth0", "docker0"]


def test_a_machine_that_tells_nothing_has_an_empty_reading(tmp_path: Path) -> None:
    assert Reader(Files(tmp_path), disks=[tmp_path / "gone"]).read() == Reading()


def test_a_disk_is_what_an_ordinary_user_can_still_write(tmp_path: Path) -> None:
    (disk,) = Reader(Files(tmp_path), disks=[tmp_path]).read().disks
    assert disk.path == str(tmp_path)
    assert 0 <= disk.free_bytes <= disk.total_bytes


def test_models_are_looked_for_where_engines_keep_them_once_for_each_disk(tmp_path: Path) -> None:
    mine = tmp_path / "models"
    mine.mkdir()
    assert mine in model_folders({"OLLAMA_MODELS": str(mine)})
    assert model_folders({"OLLAMA_MODELS": str(tmp_path / "gone")}) == model_folders({})


@pytest.fixture
def nobodys() -> Iterator[Path]:
    """A folder that anybody may enter, seen by a user who may not read everything."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        root = os.geteuid() == 0
        yield Path(folder)
        if root:
            os.seteuid(0)


def test_what_may_not_be_read_is_as_if_it_were_not_there(nobodys: Path) -> None:
    files = trees.plant(nobodys, trees.ORIN)
    (nobodys / "sys/kernel/debug/nvmap/iovmm/clients").chmod(0)
    (nobodys / "sys/class/hwmon/hwmon1").chmod(0)
    (nobodys / "sys/class/thermal").chmod(0)
    if os.geteuid() == 0:
        os.seteuid(65534)
    reading = Reader(files).read()
    assert (reading.gpus[0].load, reading.gpus[0].memory_used_bytes, reading.power) == (0.734, None, ())
    assert [each.sensor for each in reading.temperatures] == ["cpu_thermal"]


def test_a_folder_where_a_file_should_be_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    for name in trees.ORIN:
        (tmp_path / name).mkdir(parents=True)
    assert Reader(Files(tmp_path)).read() == Reading()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(sorted({**trees.ORIN, **trees.OLD_JETSON, **trees.SERVER})),
        st.one_of(st.text(max_size=30), st.integers().map(str), st.just("VDD_IN")),
        max_size=25,
    )
)
def test_garbage_in_any_file_makes_no_impossible_reading(
    tmp_path_factory: pytest.TempPathFactory, broken: dict[str, str]
) -> None:
    root = tmp_path_factory.mktemp("machine")
    reader = Reader(trees.plant(root, {**trees.ORIN, **trees.SERVER, **broken}))
    for reading in (reader.read(), reader.read()):
        assert impossible(reading) == ""
        assert len({each.sensor for each in reading.temperatures}) == len(reading.temperatures)


@given(st.lists(st.sampled_from(["a", "a 2", "a 3", "b", ""])))
def test_no_two_sensors_have_one_name(names: list[str]) -> None:
    given_names = distinct(iter(names))
    assert len(set(given_names)) == len(names)
