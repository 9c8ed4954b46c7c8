"""Pictures: throughput and CPU per request as bars, as ratios to the first server, by gnuplot."""
import shutil
import subprocess

WIDTH, HEIGHT, FONT = 1300, 900, 'sans'
KEY = 'at screen 0.5,0.07 center horizontal Left reverse maxcols'
# Two panels above each other, the legend below both: where a bar is cut off (its label still tells
# the ratio), and top and bottom in parts of the picture.
PANELS = (('rps', 'requests/s', 'more is better', 10.0, 0.93, 0.61),
          ('cpu_us', 'server CPU per request', 'less is better', 3.0, 0.53, 0.21))
# A family of colours for each kind of server, by a word in its name.
FAMILIES = (('redis', ('#8a8a8a', '#c4c4c4')), ('floor', ('#74a57f',)),
            ('io_uring', ('#fdd9b5', '#fdae6b', '#f0812f', '#b84300', '#6b2203')),
            ('epoll', ('#bdd7ee', '#6baed6', '#2f82c0', '#0b3c6f')), ('', ('#0b3c6f',)))


def colours(servers):
    used = {}
    for name in servers:
        word, family = next(f for f in FAMILIES if f[0] in name)
        yield family[used.setdefault(word, 0) % len(family)]
        used[word] += 1


def absolute(value, number):
    if number == 'cpu_us':
        return f'{value:.2f} us'
    return f'{value / 1e6:.2f} M/s' if value >= 1e6 else f'{value / 1e3:.0f} k/s'


def label(ratio):
    return f'{ratio:.2f}' if ratio < 9.995 else f'{ratio:.0f}'


def panel(runs, servers, shapes, number, cut):
    """The bars of each server as blocks of gnuplot's data, the ticks below them, and the highest bar."""
    blocks, ticks, top = [], [], 1.0
    for at, server in enumerate(servers):
        lines = []
        for group, shape in enumerate(shapes):
            if runs.by[shape][server]:
                ratio = runs.ratio(shape, server, servers[0], number)
                x = group + (at + 0.5) / len(servers) * 0.86 + 0.07
                lines.append(f'{x:.4f} {min(ratio, cut):.4f} "{label(ratio)}"')
                top = max(top, min(ratio, cut))
        blocks.append('\n'.join(lines or ['NaN NaN ""']))
    for group, shape in enumerate(shapes):
        name = f'{shape[0].upper()} P{shape[1]}' + (' x2' if shape[4] > 1 else '')
        base = absolute(runs.median(shape, servers[0], number), number)
        ticks.append(f'"{name}\\n{base}" {group + 0.5}')
    return blocks, ticks, top


def script(path, runs, servers, shapes, title):
    small, columns = (7, 2) if len(servers) > 4 else (8, len(servers))
    legend = f'(P: pipeline; x2: two client threads; below it: what {servers[0]} does)'
    lines = [f"set terminal pngcairo size {WIDTH},{HEIGHT} font '{FONT},11'",
             f"set output '{path}'",
             f"set multiplot title '{title} {legend}' font '{FONT},13'",
             'set style fill solid 1.0 noborder', f'set boxwidth {0.86 / len(servers) * 0.92:.4f}',
             'set grid ytics', f'set xrange [0:{len(shapes)}]', 'set xtics scale 0', 'set lmargin 9',
             'set rmargin 2', 'set key noenhanced']
    for at, (number, what, better, cut, above, below) in enumerate(PANELS):
        blocks, ticks, top = panel(runs, servers, shapes, number, cut)
        for i, block in enumerate(blocks):
            lines.append(f'$bars{at}_{i} << END\n{block}\nEND')
        lines += [f'set tmargin at screen {above}', f'set bmargin at screen {below}',
                  f'set key {KEY} {columns}' if at == len(PANELS) - 1 else 'set key off',
                  f'set ylabel "{what}: ratio to\\n{servers[0]}, {better}"',
                  f'set yrange [0:{top * 1.12:.3f}]', f'set xtics ({", ".join(ticks)})']
        plots = ["1 notitle linecolor rgb '#444444' dashtype 2"]
        for i, (server, colour) in enumerate(zip(servers, colours(servers))):
            plots.append(f"$bars{at}_{i} using 1:2 with boxes linecolor rgb '{colour}' title '{server}'")
            plots.append(f"$bars{at}_{i} using 1:2:3 with labels offset 0,0.5 "
                         f"font '{FONT},{small}' notitle")
        lines.append('plot ' + ', '.join(plots))
    return '\n'.join(lines + ['unset multiplot']) + '\n'


def draw(path, runs, servers, shapes, title):
    """Draws the servers' ratios to the first of them; does nothing without gnuplot."""
    if not shutil.which('gnuplot') or not shapes:
        return
    run = subprocess.run(['gnuplot'], input=script(path, runs, servers, shapes, title), text=True,
                         capture_output=True, check=False)
    if run.returncode != 0:
        print(f'bench: gnuplot said: {run.stderr.strip()[:300]}')
