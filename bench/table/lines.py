"""A line of the table: one measure, and what it should have come to."""

import dataclasses

import process


@dataclasses.dataclass
class Line:
    id: str  # of the measure, the same in every run
    what: str  # edge's side
    against: str
    of: str  # the set, or what else was measured on
    value: float
    unit: str = "x"  # x: a ratio; points: a difference in per cent; pictures: of twelve megapixels, decoded
    low: float = None  # least and largest of the rounds
    high: float = None
    at_least: float = None
    at_most: float = None
    cpu: float = None  # the ratio of processor time, which others on the machine touch less
    note: str = ""

    def wanted(self):
        return self.at_least is not None or self.at_most is not None

    def met(self):
        return (self.at_least is None or self.value >= self.at_least) and (self.at_most is None or self.value <= self.at_most)

    def reached(self):
        """How much of what was wanted: 1 and more is met. None without a wish, or where there is no such share."""
        if self.unit == "points" or not self.wanted() or self.value <= 0:
            return None
        return self.value / self.at_least if self.at_least is not None else self.at_most / self.value


def faster(id, what, against, of, ours, theirs, measure=process.seconds, at_least=None, note=""):
    """How many times faster ours is, as whole processes or by another measure."""
    value, low, high = process.ratio(theirs, ours, measure)
    cpu = process.ratio(theirs, ours, process.cpu)[0] if measure is process.seconds else None
    return Line(id, what, against, of, value, low=low, high=high, at_least=at_least, cpu=cpu, note=note)


def within(id, what, against, of, ours, theirs, at_most, measure=process.seconds, measure_theirs=None, note=""):
    """How many times as long ours takes, which should not be more than at_most."""
    value, low, high = process.ratio(ours, theirs, measure, measure_theirs)
    return Line(id, what, against, of, value, low=low, high=high, at_most=at_most, note=note)


def smaller(id, what, against, of, ours, theirs, at_least=None, note=""):
    """How many times as much memory theirs takes at its peak."""
    return faster(id, what, against, of, ours, theirs, process.peak, at_least, note)


def better(id, what, against, of, ours, theirs, measure, measure_theirs=None, at_least=None, note=""):
    """By how many points ours is more accurate, in the mean of the rounds, each with a seed of its own; accuracies are shares."""
    a, b = 100 * process.mean(ours, measure), 100 * process.mean(theirs, measure_theirs or measure)
    return Line(id, what, against, of, a - b, unit="points", at_least=at_least, note=f"{a:.1f} and {b:.1f} per cent{note}")
