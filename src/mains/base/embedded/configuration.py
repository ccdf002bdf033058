"""The embedded server's own configuration files: written by us at every start, never edited by hand."""

import os
from pathlib import Path

from mains.base.embedded.layout import Layout

ADMINISTRATOR = "mains_admin"
_MIB = 1024 * 1024


def memory_mib() -> int:
    """Memory of this machine, or of the container when that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MIB
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file():
        text = limit.read_text(encoding="ascii").strip()
        if text.isdigit():
            total = min(total, int(text) // _MIB)
    return total


def server_settings(*, sockets: Path, memory: int, has_lz4: bool) -> dict[str, str]:
    """Settings of the server for a machine with `memory` MiB."""
    return {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "60",
        "shared_buffers": f"{max(32, min(2048, memory // 8))}MB",
        "effective_cache_size": f"{max(64, memory // 2)}MB",
        "work_mem": f"{max(4, min(64, memory // 64))}MB",
        "maintenance_work_mem": f"{max(32, min(512, memory // 16))}MB",
        # A month of a large utility is one long burst of writing: few, spread-out checkpoints.
        "max_wal_size": "8GB",
        "min_wal_size": "256MB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "wal_compression": "lz4" if has_lz4 else "pglz",
        # Durability stays on: an acknowledged write survives a kill.
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "random_page_cost": "1.1",
        "jit": "off",
        "autovacuum": "on",
        # Small shared-memory mounts of containers would break parallel queries.
        "dynamic_shared_memory_type": "mmap",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
        "log_checkpoints": "off",
        "password_encryption": "scram-sha-256",
    }


def write_configuration(layout: Layout, *, has_lz4: bool) -> None:
    """Write mains.conf, pg_hba.conf and pg_ident.conf into the data folder, owned by the server's owner."""
    settings = server_settings(sockets=layout.sockets, memory=memory_mib(), has_lz4=has_lz4)
    lines = [f"{name} = '{value}'" for name, value in settings.items()]
    people = sorted({layout.owner.pw_name, layout.starter.pw_name})
    roles = ("mains", ADMINISTRATOR)
    access = [f"local all {role} peer map=mains" for role in roles]
    names = [f'mains "{person}" {role}' for person in people for role in roles]
    for name, text in (("mains.conf", lines), ("pg_hba.conf", access), ("pg_ident.conf", names)):
        _write(layout, name, "\n".join(text) + "\n")
    _write(layout, "postgresql.conf", "include 'mains.conf'\n")


def _write(layout: Layout, name: str, text: str) -> None:
    path = layout.data / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    if layout.must_drop_root:
        os.chown(path, layout.owner.pw_uid, layout.owner.pw_gid)
