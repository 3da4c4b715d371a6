"""Machines as trees of files, in the words of real ones: a Jetson of each generation, a board, a server, a cloud VM."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from potluck.agent.files import Files

LINK = "-> "

MEMINFO = """\
MemTotal:       64349836 kB
MemFree:         9154332 kB
MemAvailable:   41247116 kB
Buffers:          633208 kB
Cached:         31008724 kB
SwapCached:            0 kB
Active(anon):   12034552 kB
SwapTotal:      32174912 kB
SwapFree:       32174900 kB
HugePages_Total:       0
HugePages_Free:        0
Hugepagesize:       2048 kB
CmaTotal:         262144 kB
"""

# Linux 3.10, as on the first boards: it does not say what is available.
OLD_MEMINFO = """\
MemTotal:        2027884 kB
MemFree:          201220 kB
Buffers:           50136 kB
Cached:           811004 kB
SwapTotal:             0 kB
SwapFree:              0 kB
"""

STAT = """\
cpu  10132153 290696 3084719 46828483 16683 0 25195 0 175628 0
cpu0 1393280 32966 572056 13343292 6130 0 17875 0 23933 0
cpu1 1335498 33018 512032 13400100 5130 0 7320 0 23933 0
intr 1462898 0 9 0 0
ctxt 115315
btime 1769846400
processes 26442
procs_running 3
"""

# One second later on two processors: 200 ticks, of which 150 idle and 10 waited for a disk.
STAT_LATER = STAT.replace(
    "cpu  10132153 290696 3084719 46828483 16683", "cpu  10132183 290696 3084729 46828633 16693", 1
)

NET_DEV = """\
Inter-|   Receive                                              |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast |bytes packets errs drop fifo colls carrier compressed
    lo: 1000000  10000 0 0 0 0 0 0    1000000 10000 0 0 0 0 0 0
  eth0:565862357 412345 0 3 0 0 0 112  812286  9876 0 0 0 0 0 0
docker0: 7777777  4123 0 0 0 0 0 0    8888888  1234 0 0 0 0 0 0
"""

NVMAP_CLIENTS = """\
CLIENT                        PROCESS      PID        SIZE
user                         gnome-shel     2210     38472K
user                             ollama     3311   9123456K
total                                              9161928K
"""

LINUX: Mapping[str, str] = {
    "proc/meminfo": MEMINFO,
    "proc/stat": STAT,
    "proc/uptime": "273612.37 1961433.11\n",
    "proc/net/dev": NET_DEV,
    "proc/sys/kernel/hostname": "agx0\n",
    "proc/sys/kernel/random/boot_id": "7b46d942-5f50-4c42-afc3-a8c713ed260c\n",
    "etc/machine-id": "6d3ec2b9f6c14ad0a1f1d8f2b8f8b8aa\n",
    "sys/class/net/eth0/device/vendor": "0x10de\n",
    "sys/class/net/lo/mtu": "65536\n",
}

# JetPack 6: thermal zones of cores without power cannot be read; one power monitor tells three rails and its own sum.
ORIN: Mapping[str, str] = LINUX | {
    "sys/devices/platform/bus@0/17000000.gpu/load": "734\n",
    "sys/class/devfreq/17000000.gpu/device": f"{LINK}../../../devices/platform/bus@0/17000000.gpu",
    "sys/kernel/debug/nvmap/iovmm/clients": NVMAP_CLIENTS,
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "48718\n",
    "sys/class/thermal/thermal_zone1/type": "gpu-thermal\n",
    "sys/class/thermal/thermal_zone1/temp": "61500\n",
    "sys/class/thermal/thermal_zone2/type": "cv0-thermal\n",
    "sys/class/thermal/thermal_zone2/temp": "-256000\n",
    "sys/class/thermal/thermal_zone10/type": "tj-thermal\n",
    "sys/class/thermal/thermal_zone10/temp": "61500\n",
    "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
    "sys/class/hwmon/hwmon0/temp1_input": "48718\n",
    "sys/class/hwmon/hwmon1/name": "ina3221\n",
    "sys/class/hwmon/hwmon1/in1_label": "VDD_GPU_SOC\n",
    "sys/class/hwmon/hwmon1/in1_input": "19112\n",
    "sys/class/hwmon/hwmon1/curr1_input": "624\n",
    "sys/class/hwmon/hwmon1/in2_label": "VDD_CPU_CV\n",
    "sys/class/hwmon/hwmon1/in2_input": "19104\n",
    "sys/class/hwmon/hwmon1/curr2_input": "-8\n",
    "sys/class/hwmon/hwmon1/in3_label": "VIN_SYS_5V0\n",
    "sys/class/hwmon/hwmon1/in3_input": "4976\n",
    "sys/class/hwmon/hwmon1/curr3_input": "1304\n",
    "sys/class/hwmon/hwmon1/in4_input": "2\n",
    "sys/class/hwmon/hwmon1/curr4_input": "1920\n",
    "sys/class/hwmon/hwmon1/in7_label": "sum of shunt voltages\n",
    "sys/class/hwmon/hwmon1/in7_input": "5\n",
}

# JetPack 4: Linux 4.9, zones only under devices, the power monitor under industrial I/O.
OLD_JETSON: Mapping[str, str] = LINUX | {
    "proc/meminfo": OLD_MEMINFO,
    "sys/devices/gpu.0/load": "0\n",
    "sys/devices/virtual/thermal/thermal_zone0/type": "AO-therm\n",
    "sys/devices/virtual/thermal/thermal_zone0/temp": "41000\n",
    "sys/devices/virtual/thermal/thermal_zone2/type": "GPU-therm\n",
    "sys/devices/virtual/thermal/thermal_zone2/temp": "35500\n",
    "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/rail_name_0": "POM_5V_IN\n",
    "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/in_power0_input": "1843\n",
    "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/rail_name_1": "POM_5V_GPU\n",
    "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/in_power1_input": "0\n",
}

SERVER: Mapping[str, str] = LINUX | {
    "sys/class/hwmon/hwmon0/name": "nvme\n",
    "sys/class/hwmon/hwmon0/temp1_label": "Composite\n",
    "sys/class/hwmon/hwmon0/temp1_input": "36850\n",
    "sys/class/hwmon/hwmon1/name": "nvme\n",
    "sys/class/hwmon/hwmon1/temp1_label": "Composite\n",
    "sys/class/hwmon/hwmon1/temp1_input": "39850\n",
    "sys/class/hwmon/hwmon2/name": "k10temp\n",
    "sys/class/hwmon/hwmon2/temp1_label": "Tctl\n",
    "sys/class/hwmon/hwmon2/temp1_input": "54125\n",
    "sys/class/hwmon/hwmon3/name": "amdgpu\n",
    "sys/class/hwmon/hwmon3/power1_average": "38000000\n",
    "sys/class/hwmon/hwmon3/power1_label": "PPT\n",
    "sys/class/hwmon/hwmon3/in0_label": "vddgfx\n",
    "sys/class/hwmon/hwmon3/in0_input": "856\n",
    "sys/class/drm/card0/device/gpu_busy_percent": "17\n",
    "sys/class/drm/card0/device/mem_info_vram_total": "17163091968\n",
    "sys/class/drm/card0/device/mem_info_vram_used": "1163091968\n",
}


def plant(root: Path, tree: Mapping[str, str]) -> Files:
    """The tree as files under ``root``; a text that begins with `LINK` is a link."""
    for name, text in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith(LINK):
            path.symlink_to(text.removeprefix(LINK))
        else:
            path.write_text(text, encoding="utf-8")
    return Files(root)
