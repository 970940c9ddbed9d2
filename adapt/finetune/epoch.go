package finetune

import (
	"slices"

	"github.com/edge-adapt/edge/adapt"
)

// Epoch is one time over the training images of all tasks, in either phase.
//
// Its measures are those of all tasks together: each task counts alike.
// Epochs are numbered on from phase 1 to phase 2.
type Epoch struct {
	Phase int `json:"phase"` // 1: the heads alone; 2: the heads with the top
	adapt.Epoch
	Tasks []adapt.Epoch `json:"tasks,omitempty"` // of each task, where there are several
}

// joined makes one epoch of those of several tasks.
func joined(phase, number int, tasks []adapt.Epoch) Epoch {
	e := Epoch{Phase: phase, Epoch: adapt.Epoch{Epoch: number}}
	n := float64(len(tasks))
	for i := range tasks {
		tasks[i].Epoch = number
		e.Loss += tasks[i].Loss / n
		e.Accuracy += tasks[i].Accuracy / n
		e.ValLoss += tasks[i].ValLoss / n
		e.ValAccuracy += tasks[i].ValAccuracy / n
	}
	if len(tasks) > 1 {
		e.Tasks = slices.Clone(tasks)
	}
	return e
}

// Better reports whether the state after epoch a is to be preferred over the
// one after b: whether its validation accuracy is higher or, where that is
// equal, its validation loss lower. Of equal ones the earlier stays.
//
// Accuracy comes first so that fine-tuning never ends below what the heads
// alone had reached.
func Better(a, b Epoch) bool {
	if a.ValAccuracy != b.ValAccuracy {
		return a.ValAccuracy > b.ValAccuracy
	}
	return a.ValLoss < b.ValLoss
}

// Phase is what one of the two phases did.
type Phase struct {
	Name    string  `json:"name"`   // "head" or "top"
	Epochs  int     `json:"epochs"` // that it trained
	Rate    float64 `json:"rate"`
	Seconds float64 `json:"seconds"`
	Stopped string  `json:"stopped,omitempty"` // why it ended before its last epoch
}
