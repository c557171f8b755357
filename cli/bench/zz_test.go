package bench
import ("testing";"os";"time";"syscall";"context")
func cpu() time.Duration { var r syscall.Rusage; syscall.Getrusage(0,&r); return time.Duration(r.Utime.Nano()+r.Stime.Nano()) }
func TestZZ(t *testing.T) {
	if os.Getenv("ZZ")=="" { t.Skip() }
	b := Default(t.TempDir()); 
	for _, n := range []int{100,1000} {
	b.withBoth(t.Context(), "x", func(r *rig, raw *bare) error {
	for range 3 {
	c, r0, cm := cpu(), stepsDone.Load(), r.journal.Stats().Commits.Load()
	o, err := measure(t.Context(), load{inFlight:n, last:2*time.Second, done: &stepsDone}, func(ctx context.Context, _ int) error {_, err := r.once(ctx, stepper.Name(), plan{Steps: 5}); return err })
	d := stepsDone.Load()-r0
	t.Logf("%d: reeve %.0f steps/s %v cpu/step %v steps/commit %d", n, o.perSecond, err, (cpu()-c)/time.Duration(d), d/(r.journal.Stats().Commits.Load()-cm)) 
	c, r0 = cpu(), raw.rows.Load()
	rate, err := b.bareSteps(t.Context(), load{inFlight:n, last:2*time.Second}, raw)
	t.Logf("%d: bare %.0f steps/s %v cpu/step %v", n, rate, err, (cpu()-c)/time.Duration(raw.rows.Load()-r0)*7/5)
	}
	return nil })
	}
}
