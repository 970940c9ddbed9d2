//go:build tensorflow

package graph

import (
	"errors"
	"fmt"
	"math"

	"github.com/edge-adapt/edge/adapt/finetune/network"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// What Keras' MobileNetV2 gives its batch normalisation.
const (
	normEpsilon  = 1e-3
	normMomentum = 0.999
)

// norm is batch normalisation behind a layer's kernel, per channel:
//
//	y = gamma*(z - mean)/sqrt(variance + epsilon) + beta
//
// z is what the kernel computes. Steps take mean and variance from their
// batch, inference from the moving averages that steps keep.
type norm struct {
	gamma, beta, mean, variance *variable
}

// newNorm re-inserts the normalisation that a layer's kernel and bias hold
// folded. The kernel stays; with m and v the moments of z,
//
//	gamma = sqrt(v + epsilon), beta = bias + m, mean = m, variance = v
//
// make y = z + bias in inference: the function is the file's.
func (b *builder) newNorm(t *top, l *network.Layer, m Moments) (*norm, error) {
	if l.Bias == nil {
		return nil, errors.New("no bias in the file to fold batch normalisation into")
	}
	n := len(l.Bias.Values)
	if len(m.Mean) != n || len(m.Variance) != n {
		return nil, fmt.Errorf("moments of %d and %d channels where the layer has %d", len(m.Mean), len(m.Variance), n)
	}
	gamma, beta := make([]float32, n), make([]float32, n)
	for c := range n {
		gamma[c] = deviation(m.Variance[c])
		beta[c] = l.Bias.Values[c] + m.Mean[c]
	}
	norm := &norm{
		gamma:    b.variable(l.Name+"/gamma", gamma, n),
		beta:     b.variable(l.Name+"/beta", beta, n),
		mean:     b.variable(l.Name+"/moving_mean", m.Mean, n),
		variance: b.variable(l.Name+"/moving_variance", m.Variance, n),
	}
	t.train(norm.gamma)
	t.train(norm.beta)
	return norm, nil
}

// deviation is the standard deviation that normalisation divides by.
func deviation(variance float32) float32 {
	return float32(math.Sqrt(float64(variance) + normEpsilon))
}

// normalise adds normalisation for inference.
func (b *builder) normalise(n *norm, z tf.Output) tf.Output {
	y, _, _, _, _, _ := op.FusedBatchNormV3(b.at("norm"), z, n.gamma.value, n.beta.value, n.mean.value, n.variance.value,
		op.FusedBatchNormV3Epsilon(normEpsilon), op.FusedBatchNormV3IsTraining(false))
	return y
}

// normaliseBatch adds normalisation for a step, and what takes the batch's
// statistics into the moving averages, as Keras 3 does: the variance is the
// plain mean of squares, not the estimate with n-1 that TensorFlow offers.
func (b *builder) normaliseBatch(n *norm, z tf.Output) (y tf.Output, update []*tf.Operation) {
	none := b.constant(nil, 0)
	y, mean, estimate, _, _, _ := op.FusedBatchNormV3(b.at("norm"), z, n.gamma.value, n.beta.value, none, none,
		op.FusedBatchNormV3Epsilon(normEpsilon), op.FusedBatchNormV3IsTraining(true))
	size := op.Shape(b.at("size"), z)
	positions := op.Prod(b.at("positions"), op.Slice(b.at("nhw"), size, b.ints(0), b.ints(3)), b.ints(0))
	count := op.Cast(b.at("count"), positions, tf.Float)
	share := op.Div(b.at("share"), op.Sub(b.at("less"), count, b.scalar(1)), count)
	variance := op.Mul(b.at("variance"), estimate, share)
	return y, []*tf.Operation{b.move(n.mean, mean), b.move(n.variance, variance)}
}

// move takes a batch's statistic into a moving average.
func (b *builder) move(average *variable, batch tf.Output) *tf.Operation {
	const momentum = normMomentum
	kept := op.Mul(b.at("kept"), average.value, b.scalar(momentum))
	added := op.Mul(b.at("added"), batch, b.scalar(1-momentum))
	return b.assign(average, op.AddV2(b.at("average"), kept, added))
}

// fold returns kernel and bias that compute what a kernel and its
// normalisation compute in inference. The kernel is in TensorFlow's layout,
// its channels last; it is changed in place.
func fold(kernel, gamma, beta, mean, variance []float32) (bias []float32) {
	bias = make([]float32, len(gamma))
	for c := range gamma {
		bias[c] = float32(float64(beta[c]) - float64(mean[c])*scale(gamma[c], variance[c]))
	}
	for i := range kernel {
		c := i % len(gamma)
		kernel[i] = float32(float64(kernel[i]) * scale(gamma[c], variance[c]))
	}
	return bias
}

func scale(gamma, variance float32) float64 {
	return float64(gamma) / math.Sqrt(float64(variance)+normEpsilon)
}
