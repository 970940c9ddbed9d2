// Batch norm in training mode fused with a clamp (ReLU6), for TensorFlow on a processor.
//
// TensorFlow's own operations for the two take half of a training step on processors without
// AVX-512. These are plain loops that the compiler turns into vector code. One thread: the training
// runs one tower of the batch per core.

#include <algorithm>
#include <cmath>
#include <vector>

#include "tensorflow/core/framework/common_shape_fns.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using namespace tensorflow;

REGISTER_OP("ClampedNorm")
    .Input("x: float")
    .Input("scale: float")
    .Input("offset: float")
    .Attr("low: float")
    .Attr("high: float")
    .Attr("epsilon: float")
    .Output("y: float")
    .Output("mean: float")
    .Output("variance: float")
    .SetShapeFn([](shape_inference::InferenceContext* c) {
      c->set_output(0, c->input(0));
      c->set_output(1, c->input(1));
      c->set_output(2, c->input(1));
      return OkStatus();
    });

REGISTER_OP("ClampedNormGrad")
    .Input("dy: float")
    .Input("x: float")
    .Input("scale: float")
    .Input("offset: float")
    .Input("mean: float")
    .Input("variance: float")
    .Attr("low: float")
    .Attr("high: float")
    .Attr("epsilon: float")
    .Output("dx: float")
    .Output("dscale: float")
    .Output("doffset: float")
    .SetShapeFn([](shape_inference::InferenceContext* c) {
      c->set_output(0, c->input(1));
      c->set_output(1, c->input(2));
      c->set_output(2, c->input(2));
      return OkStatus();
    });

namespace {

// Rows of few channels are read several at a time, so that the inner loop is long enough to be
// vector code: [rows, channels] is taken as [rows/fold, channels*fold].
struct Shape {
  int64_t channels, rows, fold, width;
  explicit Shape(const Tensor& x) {
    channels = x.dim_size(x.dims() - 1);
    rows = x.NumElements() / channels;
    fold = 1;
    while (channels * fold < 64 && rows % (fold * 2) == 0) fold *= 2;
    width = channels * fold;
  }
  int64_t lines() const { return rows / fold; }
  std::vector<float> wide(const float* v) const {
    std::vector<float> out(width);
    for (int64_t i = 0; i < width; i++) out[i] = v[i % channels];
    return out;
  }
  void narrow(const std::vector<double>& in, std::vector<double>* out) const {
    out->assign(channels, 0);
    for (int64_t i = 0; i < width; i++) (*out)[i % channels] += in[i];
  }
};

// Lines summed in float before they go to the double total.
constexpr int64_t kBlock = 64;

class ClampedNorm : public OpKernel {
 public:
  explicit ClampedNorm(OpKernelConstruction* c) : OpKernel(c) {
    OP_REQUIRES_OK(c, c->GetAttr("low", &low_));
    OP_REQUIRES_OK(c, c->GetAttr("high", &high_));
    OP_REQUIRES_OK(c, c->GetAttr("epsilon", &epsilon_));
  }

  void Compute(OpKernelContext* c) override {
    const Tensor& input = c->input(0);
    const Shape s(input);
    Tensor *output, *mean, *variance;
    OP_REQUIRES_OK(c, c->allocate_output(0, input.shape(), &output));
    OP_REQUIRES_OK(c, c->allocate_output(1, c->input(1).shape(), &mean));
    OP_REQUIRES_OK(c, c->allocate_output(2, c->input(1).shape(), &variance));
    const float* __restrict x = input.flat<float>().data();
    float* __restrict y = output->flat<float>().data();
    const int64_t w = s.width;

    std::vector<double> sum(w), square(w), total, squares;
    std::vector<float> fs(w), fq(w);
    for (int64_t from = 0; from < s.lines(); from += kBlock) {
      std::fill(fs.begin(), fs.end(), 0.f);
      std::fill(fq.begin(), fq.end(), 0.f);
      float* __restrict a = fs.data();
      float* __restrict b = fq.data();
      for (int64_t r = from; r < std::min(from + kBlock, s.lines()); r++) {
        const float* __restrict p = x + r * w;
        for (int64_t i = 0; i < w; i++) {
          a[i] += p[i];
          b[i] += p[i] * p[i];
        }
      }
      for (int64_t i = 0; i < w; i++) {
        sum[i] += fs[i];
        square[i] += fq[i];
      }
    }
    s.narrow(sum, &total);
    s.narrow(square, &squares);
    std::vector<float> k(s.channels), o(s.channels);
    for (int64_t i = 0; i < s.channels; i++) {
      const double m = total[i] / s.rows;
      const double v = std::max(0.0, squares[i] / s.rows - m * m);
      mean->flat<float>()(i) = m;
      variance->flat<float>()(i) = v;
      k[i] = c->input(1).flat<float>()(i) / std::sqrt(v + epsilon_);
      o[i] = c->input(2).flat<float>()(i) - m * k[i];
    }
    const std::vector<float> wk = s.wide(k.data()), wo = s.wide(o.data());
    const float* __restrict pk = wk.data();
    const float* __restrict po = wo.data();
    const float low = low_, high = high_;
    for (int64_t r = 0; r < s.lines(); r++) {
      const float* __restrict p = x + r * w;
      float* __restrict q = y + r * w;
      for (int64_t i = 0; i < w; i++) {
        float v = p[i] * pk[i] + po[i];
        v = v < low ? low : v;
        q[i] = v > high ? high : v;
      }
    }
  }

 private:
  float low_, high_, epsilon_;
};

class ClampedNormGrad : public OpKernel {
 public:
  explicit ClampedNormGrad(OpKernelConstruction* c) : OpKernel(c) {
    OP_REQUIRES_OK(c, c->GetAttr("low", &low_));
    OP_REQUIRES_OK(c, c->GetAttr("high", &high_));
    OP_REQUIRES_OK(c, c->GetAttr("epsilon", &epsilon_));
  }

  // With d = dy where y is inside the clamp and 0 elsewhere, n rows and r = 1/sqrt(variance+epsilon):
  //   doffset = sum d,  dscale = r * sum d*(x-mean)
  //   dx = scale*r * (d - doffset/n - (x-mean)*r*dscale/n)
  void Compute(OpKernelContext* c) override {
    const Tensor& input = c->input(1);
    const Shape s(input);
    Tensor *output, *dscale, *doffset;
    OP_REQUIRES_OK(c, c->allocate_output(0, input.shape(), &output));
    OP_REQUIRES_OK(c, c->allocate_output(1, c->input(2).shape(), &dscale));
    OP_REQUIRES_OK(c, c->allocate_output(2, c->input(2).shape(), &doffset));
    const float* __restrict dy = c->input(0).flat<float>().data();
    const float* __restrict x = input.flat<float>().data();
    float* __restrict dx = output->flat<float>().data();
    const int64_t w = s.width;

    std::vector<float> k(s.channels), o(s.channels), m(s.channels), inverse(s.channels);
    for (int64_t i = 0; i < s.channels; i++) {
      m[i] = c->input(4).flat<float>()(i);
      inverse[i] = 1 / std::sqrt(c->input(5).flat<float>()(i) + epsilon_);
      k[i] = c->input(2).flat<float>()(i) * inverse[i];
      o[i] = c->input(3).flat<float>()(i) - m[i] * k[i];
    }
    const std::vector<float> wk = s.wide(k.data()), wo = s.wide(o.data()), wm = s.wide(m.data());
    const float* __restrict pk = wk.data();
    const float* __restrict po = wo.data();
    const float* __restrict pm = wm.data();
    const float low = low_, high = high_;

    std::vector<double> sum(w), dot(w), total, dots;
    std::vector<float> fs(w), fq(w);
    for (int64_t from = 0; from < s.lines(); from += kBlock) {
      std::fill(fs.begin(), fs.end(), 0.f);
      std::fill(fq.begin(), fq.end(), 0.f);
      float* __restrict a = fs.data();
      float* __restrict b = fq.data();
      for (int64_t r = from; r < std::min(from + kBlock, s.lines()); r++) {
        const float* __restrict p = x + r * w;
        const float* __restrict g = dy + r * w;
        for (int64_t i = 0; i < w; i++) {
          const float v = p[i] * pk[i] + po[i];
          float d = v > low ? g[i] : 0.f;
          d = v < high ? d : 0.f;
          a[i] += d;
          b[i] += d * (p[i] - pm[i]);
        }
      }
      for (int64_t i = 0; i < w; i++) {
        sum[i] += fs[i];
        dot[i] += fq[i];
      }
    }
    s.narrow(sum, &total);
    s.narrow(dot, &dots);
    std::vector<float> t(s.channels), u(s.channels);
    for (int64_t i = 0; i < s.channels; i++) {
      dscale->flat<float>()(i) = dots[i] * inverse[i];
      doffset->flat<float>()(i) = total[i];
      t[i] = -k[i] * dots[i] * inverse[i] * inverse[i] / s.rows;
      u[i] = -k[i] * total[i] / s.rows - t[i] * m[i];
    }
    const std::vector<float> wt = s.wide(t.data()), wu = s.wide(u.data());
    const float* __restrict pt = wt.data();
    const float* __restrict pu = wu.data();
    for (int64_t r = 0; r < s.lines(); r++) {
      const float* __restrict p = x + r * w;
      const float* __restrict g = dy + r * w;
      float* __restrict q = dx + r * w;
      for (int64_t i = 0; i < w; i++) {
        const float v = p[i] * pk[i] + po[i];
        float d = v > low ? g[i] : 0.f;
        d = v < high ? d : 0.f;
        q[i] = d * pk[i] + p[i] * pt[i] + pu[i];
      }
    }
  }

 private:
  float low_, high_, epsilon_;
};

REGISTER_KERNEL_BUILDER(Name("ClampedNorm").Device(DEVICE_CPU), ClampedNorm);
REGISTER_KERNEL_BUILDER(Name("ClampedNormGrad").Device(DEVICE_CPU), ClampedNormGrad);

}  // namespace
