package receiver

import (
	"errors"
	"fmt"
	"math"

	"github.com/edge-adapt/edge/models/fleet/records"
)

// Rule says when a roll-out is to be halted: when at least Devices devices have
// activated a release, and the share of them that went back is above Limit beyond
// reasonable doubt.
type Rule struct {
	// Limit is that share, above 0 and below 1. Zero: 0.05.
	Limit float64 `json:"limit"`
	// Devices is how many it takes. Zero: 5.
	Devices int `json:"devices"`
}

func (r Rule) orDefault() Rule {
	set(&r.Limit, 0.05)
	set(&r.Devices, 5)
	return r
}

func (r Rule) check() error {
	if !(r.Limit >= 0 && r.Limit < 1) || r.Devices < 0 {
		return errors.New("a limit of rollbacks is a share above 0 and below 1, of at least one device")
	}
	return nil
}

// Over reports whether the rate breaks the rule.
func (r Rule) Over(rate records.Rate) bool {
	return rate.Devices >= r.Devices && Lower(rate.Rollbacks, rate.Devices) > r.Limit
}

// reason says why a roll-out is halted.
func (r Rule) reason(rate records.Rate) string {
	return fmt.Sprintf("%d of %d devices went back: more than %.3g %% of them do (95 %% confidence)", rate.Rollbacks, rate.Devices, 100*r.Limit)
}

// z is the quantile of the normal distribution that leaves 5 % above it.
const z = 1.6448536269514722

// Lower returns the lower end of Wilson's score interval of a share of which k in n
// were seen: the true share is below it in 5 % of all cases.
//
//	(p + z²/2n − z √(p(1−p)/n + z²/4n²)) / (1 + z²/n),  p = k/n
//
// (E. B. Wilson, Journal of the American Statistical Association 22, 1927.) Of nothing
// it is 0.
func Lower(k, n int) float64 {
	if n <= 0 || k <= 0 {
		return 0
	}
	p, m := float64(min(k, n))/float64(n), float64(n)
	return (p + z*z/(2*m) - z*math.Sqrt(p*(1-p)/m+z*z/(4*m*m))) / (1 + z*z/m)
}
