"""Tables and CSV files of what was measured."""
import collections
import csv
import statistics

NUMBERS = ('rps', 'cpu_us', 'p50_ms', 'p99_ms')
# What must be reached: text, number of a run, pipeline, client threads, must, stretch.
FIGURES = (
    ('CPU per GET and SET, pipeline 1, 50 connections', 'cpu_us', 1, 1, 0.88, 0.80),
    ('CPU per GET and SET, pipeline 16', 'cpu_us', 16, 1, 0.45, 0.36),
    ('CPU per GET and SET, pipeline 64', 'cpu_us', 64, 1, 0.25, 0.16),
    ('throughput, pipeline 16, one client thread', 'rps', 16, 1, 1.6, 2.0),
    ('throughput, pipeline 64, one client thread', 'rps', 64, 1, 3.0, 4.5),
    ('throughput, pipeline 1, two client threads', 'rps', 1, 2, 1.3, 1.9),
)
OVER_FLOOR = 1.25                   # CPU per request, at most, over that of the null server
OVER_ONE_THREAD = 1.10              # CPU per request of four stages, at most, over that of one thread


def shape_of(run):
    return tuple(run[k] for k in ('test', 'pipeline', 'clients', 'size', 'threads'))


class Runs:
    """All runs, by shape and server, in the order of the rounds."""

    def __init__(self):
        self.rows = []
        self.by = collections.defaultdict(lambda: collections.defaultdict(list))

    def add(self, run):
        self.rows.append(run)
        self.by[shape_of(run)][run['server']].append(run)

    def median(self, shape, server, number):
        return statistics.median(run[number] for run in self.by[shape][server])

    def ratios(self, shape, server, base, number):
        """This server's number over the base's, round by round."""
        pairs = zip(self.by[shape][server], self.by[shape][base])
        return [mine[number] / max(theirs[number], 1e-9) for mine, theirs in pairs]

    def ratio(self, shape, server, base, number):
        return statistics.median(self.ratios(shape, server, base, number))


def thousands(rps):
    return f'{rps / 1000:.1f}' if rps < 1e6 else f'{rps / 1000:.0f}'


def table(head, rows):
    """A Markdown table whose columns line up: the first to the left, the others to the right."""
    cells = [head] + rows
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = ['| ' + ' | '.join(c.ljust(w) if i == 0 else c.rjust(w)
                               for i, (c, w) in enumerate(zip(row, widths))) + ' |' for row in cells]
    lines.insert(1, '| ' + ' | '.join('-' * w if i == 0 else '-' * (w - 1) + ':'
                                      for i, w in enumerate(widths)) + ' |')
    return '\n'.join(lines)


def compare_table(runs, base, server):
    """The table of `make bench`: both servers side by side, a row for each shape."""
    head = ['test', 'P', 'conns', 'bytes', 'threads', f'{base} k/s', f'{server} k/s', 'ratio',
            f'{base} CPU us', f'{server} CPU us', 'ratio', f'{base} p50/p99 ms', f'{server} p50/p99 ms']
    rows = []
    for shape in runs.by:
        def median(who, number, shape=shape):
            return runs.median(shape, who, number)
        rows.append(
            [str(part) for part in shape]
            + [thousands(median(base, 'rps')), thousands(median(server, 'rps')),
               f'{runs.ratio(shape, server, base, "rps"):.2f}',
               f'{median(base, "cpu_us"):.3f}', f'{median(server, "cpu_us"):.3f}',
               f'{runs.ratio(shape, server, base, "cpu_us"):.2f}']
            + [f'{median(who, "p50_ms"):.2f}/{median(who, "p99_ms"):.2f}' for who in (base, server)])
    return table(head, rows)


def figures(runs, base, server):
    """The promised figures against what was measured; of GET and SET the worse one counts."""
    rows = []
    for text, number, pipeline, threads, must, stretch in FIGURES:
        shapes = [s for s in runs.by if s[0] in ('get', 'set') and s[1:] == (pipeline, 50, 32, threads)]
        if not shapes:
            continue
        less = number == 'cpu_us'
        got = [runs.ratio(s, server, base, number) for s in shapes]
        worst = max(got) if less else min(got)
        reached = [worst <= x if less else worst >= x for x in (must, stretch)]
        verdict = 'stretch' if reached[1] else 'reached' if reached[0] else 'MISSED'
        sign = '≤' if less else '≥'
        rows.append([text, f'{sign} {must}', f'{sign} {stretch}', f'{worst:.2f}', verdict])
    return table(['ratio to ' + base, 'must', 'stretch', 'measured', ''], rows)


def floor_table(runs, base, server, floor):
    """How far both servers are from one that does nothing but receive and send."""
    rows = []
    for shape in runs.by:
        if not runs.by[shape][floor]:
            continue
        over = runs.ratio(shape, server, floor, 'cpu_us')
        rows.append([f'{shape[0]}, pipeline {shape[1]}']
                    + [f'{runs.median(shape, who, "cpu_us"):.3f}' for who in (base, server, floor)]
                    + [f'{runs.ratio(shape, floor, base, "cpu_us"):.2f}', f'{over:.2f}',
                       f'≤ {OVER_FLOOR:.2f}', 'reached' if over <= OVER_FLOOR else 'MISSED'])
    return table(['CPU us per request', base, server, floor, f'{floor}/{base}', f'{server}/{floor}',
                  'must', ''], rows)


def plans_table(runs, servers, alone):
    """The table of PLANS=1: a row for each server, a column for each shape: CPU us per request,
    its ratio to the first server and, for shapes of two client threads, throughput. `alone` maps a
    server to the one that has its backend and one thread, which the last column compares with."""
    shapes = list(runs.by)
    head = ['server'] + [f'{s[0]} P{s[1]}' + (f' {s[4]} threads k/s' if s[4] > 1 else ' CPU us')
                         for s in shapes] + ['CPU to one thread']
    rows = []
    for server in servers:
        row = [server]
        for shape in shapes:
            number = 'rps' if shape[4] > 1 else 'cpu_us'
            value = runs.median(shape, server, number)
            text = thousands(value) if number == 'rps' else f'{value:.3f}'
            row.append(f'{text} ({runs.ratio(shape, server, servers[0], number):.2f})')
        row.append(' '.join(f'{runs.ratio(s, server, alone[server], "cpu_us"):.2f}'
                            for s in shapes if s[4] == 1) if server in alone else '-')
        rows.append(row)
    return table(head, rows)


def plans_figures(runs, servers, alone):
    """What these plans may cost over one thread, at each depth of pipeline; the worst test counts."""
    rows = []
    for server in servers:
        for pipeline in sorted({s[1] for s in runs.by}):
            worst = max(runs.ratio(s, server, alone[server], 'cpu_us')
                        for s in runs.by if s[1] == pipeline and s[4] == 1)
            rows.append([f'{server}, pipeline {pipeline}', f'≤ {OVER_ONE_THREAD:.2f}', f'{worst:.2f}',
                         'reached' if worst <= OVER_ONE_THREAD else 'MISSED'])
    return table(['CPU per request, ratio to one thread', 'must', 'measured', ''], rows)


def write_csv(path, runs):
    fields = ['server', 'test', 'pipeline', 'clients', 'size', 'threads', 'round', 'requests'] + list(NUMBERS)
    with open(path, 'w', newline='', encoding='utf-8') as f:
        out = csv.DictWriter(f, fields, extrasaction='ignore', lineterminator='\n')
        out.writeheader()
        for row in runs.rows:
            out.writerow({k: f'{v:.4f}' if isinstance(v, float) else v for k, v in row.items()})
