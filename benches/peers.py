#!/usr/bin/env python3
"""Cairn beside PostgreSQL 15 on one machine, in one run.

    cargo build --release && python3 benches/peers.py --cairn PATH/TO/cairn [tps] [backup] [incremental]

Groups:
    tps          pgbench's built-in TPC-B and -S, on scale 10, with 1, 8 and 32 clients
    backup       pgbench scale 50 plus 300 MB of text: BACKUP and RESTORE beside pg_dump -Fd -j2 and
                 pg_restore -j2
    incremental  a million rows: an incremental backup after 1,000 changed rows beside the full one
                 (Cairn alone)

Servers run on throw-away stores below --dir, with fsync on, one after the other (by turns for tps). CPU seconds are the
server's and the client's together, from /proc; peak memory is the server's resident set while the
command runs, less what it held before. Needs pgbench, psql and PostgreSQL 15's server binaries
(Debian: postgresql). Standard library only.
"""
import argparse
import atexit
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

PGBIN = "/usr/lib/postgresql/15/bin"
TICK = os.sysconf("SC_CLK_TCK")
MB = 1_000_000


def run(command, check=True):
    """Wall seconds, CPU seconds of the command, its output."""
    begun = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = child.stdout.read().decode("utf8", "replace")
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if check and child.returncode:
        sys.exit(f"failed: {' '.join(command)}\n{output[-2000:]}")
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime, output


def family(pid):
    """A process and everything below it."""
    children = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as stat:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(name))
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children.get(one, [])
    return found


def cpu_seconds(pid):
    """CPU seconds of a process, its living family, and the dead that they waited for."""
    total = 0
    for one in family(pid):
        try:
            with open(f"/proc/{one}/stat") as stat:
                total += sum(map(int, stat.read().rsplit(")", 1)[1].split()[11:15]))
        except OSError:
            pass
    return total / TICK


def resident(pid):
    """Resident bytes of a process and its family (proportional, so that shared pages count once)."""
    total = 0
    for one in family(pid):
        try:
            with open(f"/proc/{one}/smaps_rollup") as rollup:
                found = re.search(r"^Pss:\s+(\d+)", rollup.read(), re.M)
                total += int(found.group(1)) * 1024 if found else 0
        except OSError:
            pass
    return total


class Server:
    """A server of either kind, on an empty store."""

    def psql(self, database, *statements):
        command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *self.connection, "-d", database]
        for statement in statements:
            command += ["-c", statement]
        return run(command)

    def wait(self):
        for _ in range(100):
            if not run(["psql", "-X", *self.connection, "-d", self.first, "-c", "SELECT 1"], False)[2].count("error"):
                return
            time.sleep(0.1)
        sys.exit(f"{self.name} did not start")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
        shutil.rmtree(self.store, ignore_errors=True)

    def measure(self, label, command):
        """Runs a command and prints what it took of this server and of itself."""
        before, cpu, peak, done = resident(self.process.pid), cpu_seconds(self.process.pid), [0], threading.Event()

        def watch():
            while not done.wait(0.05):
                peak[0] = max(peak[0], resident(self.process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        wall, client, output = run(command)
        done.set()
        watcher.join()
        cpu = cpu_seconds(self.process.pid) - cpu + client
        above = max(0, peak[0] - before) / MB
        return {"label": label, "wall": wall, "cpu": cpu, "memory": above, "output": output}


class Postgres(Server):
    name, first = "PostgreSQL 15", "postgres"

    def __init__(self, folder):
        self.store = f"{folder}/postgres"
        shutil.rmtree(self.store, ignore_errors=True)
        os.makedirs(self.store)
        user = []
        if os.geteuid() == 0:
            shutil.chown(self.store, "postgres")
            user = ["runuser", "-u", "postgres", "--"]
        run(user + [f"{PGBIN}/initdb", "-D", f"{self.store}/data", "-A", "trust", "-U", "postgres"])
        with open(f"{self.store}/data/postgresql.conf", "a") as conf:
            conf.write(f"port=26499\nunix_socket_directories='{self.store}'\n")
            conf.write("shared_buffers=512MB\nmax_wal_size=4GB\n")
        self.process = subprocess.Popen(
            user + [f"{PGBIN}/postgres", "-D", f"{self.store}/data"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        atexit.register(self.stop)
        self.connection = ["-h", "127.0.0.1", "-p", "26499", "-U", "postgres"]
        self.wait()


class Cairn(Server):
    name, first = "Cairn", "defaultdb"

    def __init__(self, folder):
        self.store = f"{folder}/cairn"
        shutil.rmtree(self.store, ignore_errors=True)
        self.process = subprocess.Popen(
            [ARGUMENTS.cairn, "start", "--store", self.store, "--listen", "127.0.0.1:26498", "--insecure"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        atexit.register(self.stop)
        self.connection = ["-h", "127.0.0.1", "-p", "26498", "-U", "root"]
        self.wait()


def pgbench(server, folder, clients, options, seconds):
    """Transactions a second, 50th and 99th percentile of the latency in ms, failed ones."""
    log = f"{folder}/log"
    shutil.rmtree(log, ignore_errors=True)
    os.makedirs(log)
    _, _, output = run(["pgbench", "-n", "-c", str(clients), "-j", str(min(clients, 2)), "-T", str(seconds),
                        "-l", f"--log-prefix={log}/l", *options, *server.connection, "bench"])
    latencies = []
    for name in os.listdir(log):
        with open(f"{log}/{name}") as lines:
            latencies += [int(line.split(" ", 3)[2]) for line in lines]
    latencies.sort()
    shutil.rmtree(log)
    rate = float(re.search(r"tps = ([\d.]+)", output).group(1))
    failed = int(re.search(r"failed transactions: (\d+)", output).group(1))
    half, late = (latencies[int(len(latencies) * share)] / 1000 for share in (0.5, 0.99))
    return rate, half, late, failed


def tps(folder):
    seconds = ARGUMENTS.seconds
    print(f"\n## pgbench, scale 10, {seconds} s each, both servers up, by turns\n")
    servers = [Postgres(folder), Cairn(folder)]
    for server in servers:
        server.psql(server.first, "CREATE DATABASE bench")
        wall, _, _ = run(["pgbench", "-i", "-s", "10", "-q", *server.connection, "bench"])
        print(f"pgbench -i -s 10, {server.name}: {wall:.1f} s", flush=True)
    print("\n| run | server | tps | of the peer's | p50 ms | p99 ms | failed |\n|---|---|---|---|---|---|---|")
    variants = [("TPC-B", []), ("-S", ["-S"]), ("-S -M prepared", ["-S", "-M", "prepared"])]
    for label, options in variants:
        for clients in (1, 8, 32):
            peer = None
            for server in servers:
                rate, half, late, failed = pgbench(server, folder, clients, options, seconds)
                share = f"{rate / peer:.2f}" if peer else ""
                peer = peer or rate
                print(f"| {label}, {clients} clients | {server.name} | {rate:.0f} | {share} | {half:.2f} | {late:.2f} "
                      f"| {failed} |", flush=True)
    for server in servers:
        server.stop()


def documents(folder):
    """300 MB of text rows as CSV, the same in every run."""
    path = f"{folder}/documents.csv"
    if os.path.exists(path):
        return path
    choose = random.Random(7)
    words = ["".join(choose.choices("abcdefghijklmnopqrstuvwxyz", k=choose.randint(2, 10))) for _ in range(5000)]
    written, number = 0, 0
    with open(path + ".part", "w") as out:
        while written < 300 * MB:
            number += 1
            title = " ".join(choose.choices(words, k=6))
            body = " ".join(choose.choices(words, k=choose.randint(60, 220)))
            written += out.write(f"{number},{title},{body}\n")
    os.rename(path + ".part", path)
    return path


def load(server, folder):
    server.psql(server.first, "CREATE DATABASE bench")
    run(["pgbench", "-i", "-s", "50", "-q", *server.connection, "bench"])
    server.psql("bench", "CREATE TABLE documents (id bigint PRIMARY KEY, title text NOT NULL, body text NOT NULL)",
                f"\\copy documents from '{documents(folder)}' csv")


def size(path):
    total = 0
    for root, _, files in os.walk(path):
        total += sum(os.path.getsize(f"{root}/{name}") for name in files)
    return total


def table_bytes(server):
    """The rows as COPY writes them: the same measure for both servers."""
    total = 0
    for table in ("pgbench_accounts", "pgbench_branches", "pgbench_tellers", "documents"):
        child = subprocess.Popen(
            ["psql", "-X", "-q", *server.connection, "-d", "bench", "-c", f"\\copy {table} to stdout"],
            stdout=subprocess.PIPE)
        while piece := child.stdout.read(1 << 20):
            total += len(piece)
        child.wait()
    return total


def backup(folder):
    print("\n## Backup and restore: pgbench -s 50 and 300 MB of text\n")
    print("| what | wall s | MB/s of rows | CPU s | memory above MB | size MB |\n|---|---|---|---|---|---|")

    def row(result, data, stored=""):
        print(f"| {result['label']} | {result['wall']:.2f} | {data / MB / result['wall']:.0f} | {result['cpu']:.2f} "
              f"| {result['memory']:.0f} | {stored} |", flush=True)

    server = Cairn(folder)
    load(server, folder)
    data = table_bytes(server)
    client = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *server.connection, "-d", "defaultdb", "-c"]
    sums = ["SELECT count(*), sum(length(body)) FROM documents", "SELECT count(*), sum(aid) FROM pgbench_accounts"]
    before = server.psql("bench", *sums)[2]
    result = server.measure("BACKUP DATABASE", client + ["BACKUP DATABASE bench INTO 'nodelocal://1/b'"])
    row(result, data, f"{size(server.store + '/extern') / MB:.0f}")
    server.psql("defaultdb", "DROP DATABASE bench CASCADE")
    row(server.measure("RESTORE DATABASE", client + ["RESTORE DATABASE bench FROM LATEST IN 'nodelocal://1/b'"]), data)
    if server.psql("bench", *sums)[2] != before:
        sys.exit("the restored rows differ")
    server.stop()

    server = Postgres(folder)
    load(server, folder)
    data = table_bytes(server)
    dump = f"{folder}/dump"
    shutil.rmtree(dump, ignore_errors=True)
    result = server.measure("pg_dump -Fd -j2", ["pg_dump", "-Fd", "-j2", "-f", dump, *server.connection, "bench"])
    row(result, data, f"{size(dump) / MB:.0f}")
    server.psql("postgres", "CREATE DATABASE again")
    row(server.measure("pg_restore -j2", ["pg_restore", "-j2", "-d", "again", *server.connection, dump]), data)
    server.stop()
    shutil.rmtree(dump, ignore_errors=True)


def incremental(folder):
    print("\n## A million rows: incremental after 1,000 changes\n")
    print("| what | wall s | CPU s | rows | bytes | stored bytes |\n|---|---|---|---|---|---|")
    server = Cairn(folder)
    server.psql("defaultdb", "CREATE DATABASE bench")
    run(["pgbench", "-i", "-s", "10", "-q", *server.connection, "bench"])
    client = ["psql", "-X", "-At", *server.connection, "-d", "defaultdb", "-c"]
    stored = 0
    steps = [("full", None, "INTO"),
             ("after 1,000 changes", "aid % 1000 = 7", "INTO LATEST IN"),
             ("after 1,000 more", "aid % 1000 = 8", "INTO LATEST IN"),
             ("after none", None, "INTO LATEST IN")]
    for label, change, into in steps:
        if change:
            server.psql("bench", f"UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE {change}")
        result = server.measure(label, client + [f"BACKUP DATABASE bench {into} 'nodelocal://1/b'"])
        _, _, _, rows, _, size_bytes = result["output"].strip().split("|")
        now = size(server.store + "/extern")
        print(f"| {label} | {result['wall']:.2f} | {result['cpu']:.2f} | {rows} | {size_bytes} | {now - stored} |", flush=True)
        stored = now
    server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cairn", required=True, help="the release binary")
    parser.add_argument("--dir", default="/tmp/cairn-peers", help="where stores and data go")
    parser.add_argument("--seconds", type=int, default=20, help="how long one run of pgbench takes")
    parser.add_argument("groups", nargs="*", default=["tps", "backup", "incremental"])
    ARGUMENTS = parser.parse_args()
    os.makedirs(ARGUMENTS.dir, mode=0o755, exist_ok=True)
    os.chmod(ARGUMENTS.dir, 0o755)
    for group in ARGUMENTS.groups:
        {"tps": tps, "backup": backup, "incremental": incremental}[group](ARGUMENTS.dir)
