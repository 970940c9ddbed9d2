package probation

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBuckets(t *testing.T) {
	for i := range buckets - 1 {
		if bucket(upper(i)-1) != i || bucket(upper(i)) != i+1 {
			t.Fatalf("bucket %d ends at %v, which counts in %d, and just below in %d", i, upper(i), bucket(upper(i)), bucket(upper(i)-1))
		}
		if i >= 8 && float64(upper(i))/float64(upper(i-1)) > 1.1251 {
			t.Fatalf("bucket %d is too wide: from %v to %v", i, upper(i-1), upper(i))
		}
	}
	if last := upper(buckets - 2); last < 60*time.Second || bucket(24*time.Hour) != buckets-1 || bucket(math.MaxInt64) != buckets-1 {
		t.Errorf("the last bucket begins at %v", last)
	}
}

func TestQuantiles(t *testing.T) {
	var none Histogram
	if none.Quantile(0.99) != 0 || none.Mean() != 0 || none.Max() != 0 || none.Summary() != (Latency{}) {
		t.Error("an empty histogram has figures")
	}
	rng := rand.New(rand.NewPCG(9, 9))
	var h Histogram
	var all []time.Duration
	for range 5000 {
		d := time.Duration(math.Exp(rng.NormFloat64()*1.5) * float64(10*time.Millisecond))
		h.Add(d)
		all = append(all, d)
	}
	slices.Sort(all)
	for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 0.999, 1} {
		exact := all[max(0, int(math.Ceil(q*5000))-1)]
		if got := h.Quantile(q); got < exact || float64(got) > 1.126*float64(exact) {
			t.Errorf("quantile %v: %v, exactly %v", q, got, exact)
		}
	}
	if h.Max() != all[4999] || h.Quantile(1) != h.Max() {
		t.Errorf("longest %v, want %v", h.Max(), all[4999])
	}
	var long Histogram
	long.Add(-time.Second)
	long.Add(time.Hour)
	if long.Quantile(0.5) != time.Microsecond || long.Quantile(1) != time.Hour || long.Count() != 2 || long.Mean() != 30*time.Minute {
		t.Errorf("%v %v %v", long.Quantile(0.5), long.Quantile(1), long.Mean())
	}
}
