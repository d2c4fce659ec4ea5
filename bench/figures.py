"""What was measured, held against its goal, printed ratios first."""

import dataclasses


@dataclasses.dataclass
class Figure:
    name: str
    value: float
    unit: str
    goal: str = ""  # "" or one such as ">= 5", "<= 3", "< 20": in the same unit.
    rank: int = 1   # Ratios are 0: they are printed first.

    def is_reached(self):
        comparison, limit = self.goal.split()
        return {">=": self.value >= float(limit), "<=": self.value <= float(limit), "<": self.value < float(limit)}[comparison]

    def verdict(self):
        return "" if not self.goal else "ok" if self.is_reached() else "MISSED"

    def line(self):
        value = f"{self.value:,.0f}" if self.value >= 1000 else f"{self.value:.3g}"
        goal = f"{self.goal} {self.unit}" if self.goal else ""
        return f"  {self.name:<58} {value:>9} {self.unit:<6} {goal:<12} {self.verdict()}".rstrip()


class Report:
    """Figures of one benchmark after the other, each printed when it is complete."""

    def __init__(self):
        self.figures, self.printed = [], 0

    def ratio(self, name, value, reference, goal=""):
        self.figures.append(Figure(name, value / reference, "x", goal, rank=0))

    def figure(self, name, value, unit, goal=""):
        self.figures.append(Figure(name, value, unit, goal))

    def flush(self, title):
        print(f"{title}")
        for figure in sorted(self.figures[self.printed:], key=lambda f: f.rank):
            print(figure.line())
        print(flush=True)
        self.printed = len(self.figures)

    def summary(self):
        goals = [f for f in self.figures if f.goal]
        missed = [f.name for f in goals if not f.is_reached()]
        print(f"{len(goals) - len(missed)} of {len(goals)} goals are reached" + "".join(f"\n  missed: {name}" for name in missed))
