#!/usr/bin/python3
"""Is what people read about scheduling what the programs do?

    sched_docs.py check|update BIN_DIRECTORY SOURCE_DIRECTORY

check: in docs/scheduling.md, commands of capq-sim print what stands below them, and write the files beside
the traces in docs/scheduling/; constants and knobs have the values that the code has, and none of score.h is
missing; and every sentence of `capq why` in it is one that daemon/pipeline/why.c makes.
docs/man/capq-sim.1 has the options of `capq-sim --help`, with their defaults. update: writes the
page and the files anew; the manual page is for people to write.
"""

import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

CONSTANT = re.compile(r"^#define ([A-Z_]+) (.+?)(?:\s*/\*.*)?$", re.M)
CONSTANT_ROW = re.compile(r"^\| `([A-Z_]+)` \| ([^|]*) \|", re.M)
KNOB = re.compile(r"^\.It Ic (scheduling\.\S+)\n\((.*)\)$", re.M)
KNOB_ROW = re.compile(r"^\| `(scheduling\.\S+)` \| ([^|]*) \| ([^|]*) \|", re.M)
SENTENCES_ROW = re.compile(r"^\| `[a-z_]+` \| (?:\.\.\. )?([A-Za-z].*[.]) \|$", re.M)
LITERALS = re.compile(r'"(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*')
CONVERSION = re.compile(r"%(?:\.\dg|zu|s|\.0f)|%%")
HELP_OPTION = re.compile(r"^  --([a-z-]+)(.*(?:\n {4,}.*)*)", re.M)
MANUAL_OPTION = re.compile(r"^\.It Fl -([a-z-]+)(.*(?:\n(?!\.It |\.El).*)*)", re.M)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def output_of(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


# ---- commands and what they print ----

def run(command, programs, directory):
    environment = dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}")
    done = subprocess.run(["sh", "-c", command], cwd=directory, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return [line.rstrip() for line in done.stdout.splitlines()]


def replay(block, programs, directory):
    """The lines of a block with each command followed by what it prints now."""
    lines, result = iter(block), []
    for line in lines:
        if not line.startswith("$ "):
            continue  # What it printed before.
        command = line[2:]
        result.append(line)
        while command.endswith("\\"):
            result.append(next(lines))
            command = command[:-1] + result[-1]
        result += run(command, programs, directory)
    return result


def play_page(text, programs, directory):
    """The page with all blocks of commands of capq-sim played anew."""
    def play(match):
        block = match[1].splitlines()
        played = replay(block, programs, directory) if block[0].startswith("$ capq-sim") else block
        return "```console\n" + "".join(f"{line}\n" for line in played) + "```"

    return re.sub(r"^```console\n(.*?)^```", play, text, flags=re.M | re.S)


# ---- constants and knobs ----

def constants_of(source, name):
    return {found[1]: found[2].strip("()").rstrip("F") for found in CONSTANT.finditer(read(f"{source}/sched/{name}"))}


def all_constants(source):
    found = {}
    for name in sorted(os.listdir(f"{source}/sched")):
        if name.endswith((".h", ".c")):
            found.update(constants_of(source, name))
    return found


def knobs_of(programs):
    """Default and range by name."""
    knobs = {}
    for name, told in KNOB.findall(output_of(f"{programs}/print_config", "manual")):
        default = re.search(r"default ([^;]+)", told)
        limits = re.search(r", (\S+ to [^;]+)", told)
        if default and limits:
            knobs[name] = default[1], limits[1]
    return knobs


def fill_in(text, constants, knobs):
    text = CONSTANT_ROW.sub(lambda row: f"| `{row[1]}` | {constants.get(row[1], 'GONE')} |", text)
    return KNOB_ROW.sub(lambda row: "| `%s` | %s | %s |" % (row[1], *knobs.get(row[1], ("GONE", "GONE"))), text)


def missing(text, source, knobs):
    told = {row[1] for row in CONSTANT_ROW.finditer(text)} | {row[1] for row in KNOB_ROW.finditer(text)}
    return sorted((set(constants_of(source, "score.h")) | set(knobs)) - told - {"HOUR_MS"})


# ---- the sentences of capq why ----

ANYTHING = r"(?:(?!\. ).)*?"  # Within a sentence.


def pattern_of(literals):
    """What a format string of C makes, as an expression."""
    text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals)).strip()
    return "".join("%" if part == "%%" else ANYTHING if CONVERSION.fullmatch(part) else re.escape(part)
                   for part in re.split(f"({CONVERSION.pattern})", text))


def sentence_problems(page, source):
    code = re.sub(r'%" PRId64\s*"', "%zu", read(f"{source}/daemon/pipeline/why.c"))
    patterns = [pattern_of(found[0]) for found in LITERALS.finditer(code) if found[0].count(" ") > 3]
    sentences = re.compile("(?:(?:%s)\\s*)+" % "|".join(patterns))
    for row in SENTENCES_ROW.finditer(read(page)):
        if not sentences.fullmatch(row[1]):
            yield f"{page}: capq why does not say: {row[1]}"


# ---- the manual page ----

def manual_problems(programs, page):
    told = dict(MANUAL_OPTION.findall(read(page)))
    there = dict(HELP_OPTION.findall(output_of(f"{programs}/capq-sim", "--help")))
    for name in sorted(set(told) ^ set(there)):
        yield f"{page}: --{name} is {'not in' if name in there else 'only in'} the manual page"
    for name in set(told) & set(there):
        default = re.search(r"\(([^() ]+)\)$", there[name])
        if default and default[1] not in re.split(r"[\s]|\.$|\.\n", told[name]):
            yield f"{page}: --{name}: its default is {default[1]}"


# ---- all of it ----

def differs(path, new):
    old = read(path) if os.path.exists(path) else ""
    sys.stderr.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), path, "what it is"))
    return old != new


def main():
    mode, programs, source = sys.argv[1:]
    page, beside = f"{source}/docs/scheduling.md", f"{source}/docs/scheduling"
    knobs = knobs_of(programs)
    problems = [*manual_problems(programs, f"{source}/docs/man/capq-sim.1"), *sentence_problems(page, source)]
    with tempfile.TemporaryDirectory(prefix="sched-docs-") as work:
        copy = shutil.copytree(beside, f"{work}/scheduling")
        for name in os.listdir(copy):
            if name.endswith(".svg"):
                os.unlink(f"{copy}/{name}")
        text = fill_in(play_page(read(page), os.path.abspath(programs), copy), all_constants(source), knobs)
        made = {page: text, **{f"{beside}/{name}": read(f"{copy}/{name}") for name in os.listdir(copy)}}
    problems += [f"{page}: nothing is said of {name}" for name in missing(text, source, knobs)]
    problems += [f"{beside}/{name}: no command of the page draws it" for name in os.listdir(beside)
                 if f"{beside}/{name}" not in made]
    for path, new in made.items():
        if mode == "update":
            with open(path, "w", encoding="utf-8") as file:
                file.write(new)
        elif differs(path, new):
            problems.append(f"{path} is not what the programs say; read it again after: "
                            f"tests/support/sched_docs.py update {programs} {source}")
    print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
