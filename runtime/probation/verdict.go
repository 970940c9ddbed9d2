package probation

// Decision is what is to become of the judged generation.
type Decision string

// The decisions.
const (
	Continue Decision = "continue"  // watch further
	Good     Decision = "good"      // it has passed: mark it good; of a shadow: it may be activated
	RollBack Decision = "roll back" // it must go; of a shadow: it must not be activated
)

// Verdict is a decision with its reason in words, "" while it is Continue.
type Verdict struct {
	Decision Decision `json:"decision"`
	Reason   string   `json:"reason,omitempty"`
}
