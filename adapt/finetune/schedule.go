package finetune

import (
	"github.com/edge-adapt/edge/adapt/head"
)

// step is one step of an epoch: images of one task.
type step struct {
	task int
	rows []int // indices of the task's training images
}

// The streams of a seed, one a purpose, epoch and task: what an epoch does
// depends on its number and not on the epochs before, so that a run can go on
// at any of them.
const (
	streamOrder   uint64 = 4
	streamDropout uint64 = 5
)

func stream(purpose uint64, epoch, task int) uint64 {
	return purpose | uint64(task)<<8 | uint64(epoch)<<24
}

// schedule returns the steps of an epoch over tasks with counts training
// images, size images a step.
//
// Each task's images come in a shuffled order, the last step of a task being
// perhaps smaller. All tasks take as many steps as the largest, in turns: those
// with fewer images go over them again in other orders, so that the trunk
// serves all tasks alike.
func schedule(seed uint64, epoch int, counts []int, size int) []step {
	rounds := 0
	for _, n := range counts {
		rounds = max(rounds, (n+size-1)/size)
	}
	steps := make([]step, rounds*len(counts))
	for task, n := range counts {
		random := head.NewRandom(seed, stream(streamOrder, epoch, task))
		var rest []int
		for round := range rounds {
			if len(rest) == 0 {
				rest = make([]int, n)
				for i := range rest {
					rest[i] = i
				}
				random.Shuffle(rest)
			}
			k := min(size, len(rest))
			steps[round*len(counts)+task] = step{task, rest[:k]}
			rest = rest[k:]
		}
	}
	return steps
}
