package finetune

import (
	"reflect"
	"slices"
	"testing"
)

func TestSchedule(t *testing.T) {
	steps := schedule(1, 3, []int{10, 25}, 8)
	if !reflect.DeepEqual(steps, schedule(1, 3, []int{10, 25}, 8)) {
		t.Error("the same epoch has two orders")
	}
	if reflect.DeepEqual(steps, schedule(1, 4, []int{10, 25}, 8)) || reflect.DeepEqual(steps, schedule(2, 3, []int{10, 25}, 8)) {
		t.Error("two epochs or seeds have one order")
	}
	if len(steps) != 8 { // four of the larger task's 25 images, as many of the other
		t.Fatalf("%d steps", len(steps))
	}
	var seen [2][]int
	for i, s := range steps {
		if s.task != i%2 {
			t.Errorf("step %d is task %d's", i, s.task)
		}
		seen[s.task] = append(seen[s.task], s.rows...)
	}
	// 8 and 2 of the first order, 8 and 2 of a second one.
	first, second := slices.Clone(seen[0][:10]), slices.Clone(seen[0][10:])
	if slices.Equal(first, second) {
		t.Error("the second time over the images has the order of the first")
	}
	for _, order := range [][]int{first, second, seen[1]} {
		slices.Sort(order)
		for i, row := range order {
			if row != i {
				t.Fatalf("not each image once: %v", order)
			}
		}
	}
	if len(seen[0]) != 20 || len(seen[1]) != 25 {
		t.Errorf("%d and %d images", len(seen[0]), len(seen[1]))
	}
}
