package bench

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

// aloneSteps is how many steps each half of a pair takes.
const aloneSteps = 500

// single measures one run alone against one-row commits of the bare.
func (b *Bench) single(ctx context.Context) (s Single, err error) {
	err = b.withBoth(ctx, "single", func(r *rig, raw *bare) error {
		if err := raw.more(ctx, pairs); err != nil {
			return err
		}
		var ours, bares, ratios []float64
		for pair := range pairs {
			b.sayf("one run alone, pair %d of %d", pair+1, pairs)
			result, err := r.once(ctx, timed.Name(), plan{Steps: aloneSteps})
			if err != nil {
				return err
			}
			var took []time.Duration
			if err := json.Unmarshal(result, &took); err != nil {
				return err
			}
			theirs, err := raw.alone(aloneSteps, []byte(`"`+payload+`"`))
			if err != nil {
				return err
			}
			slices.Sort(took)
			slices.Sort(theirs)
			our, bare := ms(quantile(took, 0.5)), ms(quantile(theirs, 0.5))
			ours, bares, ratios = append(ours, our), append(bares, bare), append(ratios, our/bare)
		}
		s = Single{StepP50MS: median(ours), BareStepP50MS: median(bares), Ratio: median(ratios)}
		return nil
	})
	return s, err
}
