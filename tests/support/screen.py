"""A terminal as far as capq uses one: feed it what was written, look at what is seen."""

import re


class Screen:
    SEQUENCE = re.compile(r"\033\[(\??)(\d*)(?:;\d+)*([A-Za-z])")
    BEGUN = re.compile(r"\033(\[\??[\d;]*)?")

    def __init__(self, width=80, height=24):
        self.width, self.height = width, height
        self.rows = [""] * height
        self.row = self.column = 0
        self.cursor_is_visible = True
        self.colours = 0  # How many sequences of colour came.
        self.wrapped = False  # Something was written beyond the last column.
        self.begun = ""  # A sequence whose end has not come yet.

    def feed(self, text):
        text, self.begun, at = self.begun + text, "", 0
        while at < len(text):
            match = self.SEQUENCE.match(text, at)
            if match:
                self.obey(*match.groups())
                at = match.end()
                continue
            if self.BEGUN.fullmatch(text, at):
                self.begun = text[at:]
                return
            if text[at] == "\033":
                raise AssertionError("an unknown sequence: %r" % text[at:at + 10])
            self.write(text[at])
            at += 1

    def obey(self, private, number, final):
        if private:
            assert number == "25", "an unknown mode"
            self.cursor_is_visible = final == "h"
        elif final == "A":
            self.row = max(0, self.row - int(number or 1))
        elif final == "H":
            self.row = self.column = 0
        elif final == "J":
            self.rows[self.row] = self.rows[self.row][:self.column]
            for below in range(self.row + 1, self.height):
                self.rows[below] = ""
        elif final == "m":
            self.colours += 1
        else:
            raise AssertionError("an unknown sequence: %s" % final)

    def write(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.new_line()
        else:
            assert character.isprintable(), "a control character: %r" % character
            if self.column == self.width:
                self.wrapped = True
                self.column = 0
                self.new_line()
            row = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = row[:self.column] + character + row[self.column + 1:]
            self.column += 1

    def new_line(self):
        if self.row + 1 == self.height:
            self.rows = self.rows[1:] + [""]
        else:
            self.row += 1

    def lines(self):
        return [row.rstrip() for row in self.rows if row.strip()]
