package tree

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Room is what a drawing has to fit.
type Room struct {
	Width  int  // columns; 0 for any
	Height int  // lines; 0 for any
	Color  bool // ANSI colours
	Frame  int  // of the sign that something runs; it turns with each number
}

// Lines draws the tree as it stands at the time. When it is too high, what has ended well is folded,
// agent by agent, then sibling by sibling; what failed, runs or waits is folded last.
func (t *Tree) Lines(now time.Time, room Room) []string {
	t.settle(now)
	var lines []string
	for _, fold := range folds {
		p := painter{now: now, room: room, fold: fold}
		p.draw(t.root, "", "")
		lines = p.lines
		if room.Height <= 0 || len(lines) <= room.Height {
			return lines
		}
	}
	hidden := len(lines) - room.Height + 1
	return append(lines[:room.Height-1], clip(fmt.Sprintf("… %d more lines", hidden), room.Width))
}

// fold says how much of what has ended well is left out.
type fold struct {
	inside   bool // what is inside an agent that has ended well
	siblings int  // ended siblings that are shown; -1: all
}

var folds = []fold{{false, -1}, {true, -1}, {true, 10}, {true, 5}, {true, 2}, {true, 0}}

// painter draws one picture.
type painter struct {
	now   time.Time
	room  Room
	fold  fold
	lines []string
}

func (p *painter) draw(n *node, head, tail string) {
	p.line(head, n)
	if tail := lastLine(n.text); tail != "" && !n.state.ended() {
		p.add(head2(head) + "  " + p.dim("│ "+tail))
	}
	if p.fold.inside && n.state == Done && head != "" {
		return
	}
	shown, hidden := p.choose(n.children)
	if hidden > 0 {
		mark := "├─ "
		if len(shown) == 0 {
			mark = "└─ "
		}
		p.add(tail + mark + p.paint(Done, "✓") + p.dim(fmt.Sprintf(" %d more completed", hidden)))
	}
	for i, child := range shown {
		if i == len(shown)-1 {
			p.draw(child, tail+"└─ ", tail+"   ")
		} else {
			p.draw(child, tail+"├─ ", tail+"│  ")
		}
	}
}

// choose leaves out the earlier of the siblings that ended well.
func (p *painter) choose(children []*node) (shown []*node, hidden int) {
	if p.fold.siblings < 0 {
		return children, 0
	}
	done := 0
	for _, c := range children {
		if c.state == Done {
			done++
		}
	}
	hidden = max(0, done-p.fold.siblings)
	left := hidden
	shown = slices.DeleteFunc(slices.Clone(children), func(c *node) bool {
		if c.state != Done || left == 0 {
			return false
		}
		left--
		return true
	})
	return shown, hidden
}

// head2 is the head of a node's second line.
func head2(head string) string {
	return strings.NewReplacer("├─ ", "│  ", "└─ ", "   ").Replace(head)
}

var turning = []string{"◐", "◓", "◑", "◒"}

func (p *painter) line(head string, n *node) {
	sign := map[State]string{
		Queued: "○", Running: turning[p.room.Frame%len(turning)], Waiting: "◇", Done: "✓", Failed: "✗", Cancelled: "–",
	}[n.state]
	text := head + p.paint(n.state, sign) + " " + clean(n.label)
	if took := n.took(p.now); took > 0 || n.state.ended() {
		text += "  " + p.dim(Brief(took))
	}
	if !n.until.IsZero() && !n.state.ended() {
		text += p.dim(" until " + n.until.Local().Format("15:04:05"))
	}
	if n.note != "" {
		text += "  " + p.paint(n.state, firstLine(n.note))
	}
	p.add(text)
}

func (p *painter) add(line string) { p.lines = append(p.lines, clip(line, p.room.Width)) }

var colors = map[State]string{Queued: "2", Running: "36", Waiting: "33", Done: "32", Failed: "31", Cancelled: "33"}

func (p *painter) paint(s State, text string) string { return p.ansi(colors[s], text) }
func (p *painter) dim(text string) string            { return p.ansi("2", text) }

func (p *painter) ansi(code, text string) string {
	if !p.room.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Brief is a duration for people: about three digits.
func Brief(d time.Duration) string {
	switch {
	case d < 0:
		return "0ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}
