package metrics

import "github.com/prometheus/client_golang/prometheus"

// Task holds the instruments of one task. Observing and counting do not
// allocate.
type Task struct {
	Frames                                              prometheus.Counter
	SkippedInterval, SkippedStill, SkippedError         prometheus.Counter
	Images, ImagesFailed                                prometheus.Counter
	Latency, Wait, Preprocess, Base, Head, Shadow       prometheus.Observer
	SourceUp                                            prometheus.Gauge
	SourceFrames, Dropped, SourceSkipped, Reconnects    prometheus.Counter
	Generation, Probation, Adapting, ShadowShift        prometheus.Gauge
	Swaps, Refused, Rollbacks, ShadowFrames, ShadowSame prometheus.Counter
	AdaptsDone, AdaptsFailed                            prometheus.Counter

	events *prometheus.CounterVec
	name   string
}

// Event counts one event of that kind.
func (t *Task) Event(kind string) { t.events.WithLabelValues(t.name, kind).Inc() }

// taskVectors are the instruments that come once a task.
type taskVectors struct {
	frames, skipped, images, imagesFailed                  *prometheus.CounterVec
	latency, wait, preprocess, base, head, shadow          *prometheus.HistogramVec
	sourceUp, generation, probation, adapting, shadowShift *prometheus.GaugeVec
	sourceFrames, dropped, sourceSkipped, reconnects       *prometheus.CounterVec
	swaps, refused, rollbacks, shadowFrames, shadowSame    *prometheus.CounterVec
	adapts, events                                         *prometheus.CounterVec
}

func newTaskVectors() taskVectors {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"task"})
	}
	histogram := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: seconds}, []string{"task"})
	}
	return taskVectors{
		frames:        counters("edge_frames_total", "Camera frames that were classified.", "task"),
		skipped:       counters("edge_frames_skipped_total", "Camera frames that were not classified, by reason: interval, still or error.", "task", "reason"),
		images:        counters("edge_images_total", "Images of callers that were classified.", "task"),
		imagesFailed:  counters("edge_images_failed_total", "Images of callers that could not be classified.", "task"),
		latency:       histogram("edge_latency_seconds", "Seconds from a frame's capture to its decision."),
		wait:          histogram("edge_wait_seconds", "Seconds that an image waited for a free interpreter."),
		preprocess:    histogram("edge_preprocess_seconds", "Seconds of cropping and preprocessing an image."),
		base:          histogram("edge_base_seconds", "Seconds of one forward of the base."),
		head:          histogram("edge_head_seconds", "Seconds of head, calibration and decision for an image."),
		sourceUp:      gauge("edge_source_up", "1 while the task's source gives frames."),
		sourceFrames:  counters("edge_source_frames_total", "Frames that the task's source delivered.", "task"),
		dropped:       counters("edge_source_dropped_total", "Frames that a newer one replaced before anybody looked.", "task"),
		sourceSkipped: counters("edge_source_skipped_total", "Pictures of the task's source that could not be decoded.", "task"),
		reconnects:    counters("edge_source_reconnects_total", "Times that the task's source was opened again.", "task"),
		generation:    gauge("edge_generation", "Number of the generation that serves; 0 if none does."),
		probation:     gauge("edge_probation", "1 while the generation that serves is under watch."),
		adapting:      gauge("edge_adapting", "1 while the task adapts."),
		swaps:         counters("edge_swaps_total", "Generations that were put in place.", "task"),
		refused:       counters("edge_generations_refused_total", "Generations that were not taken.", "task"),
		rollbacks:     counters("edge_rollbacks_total", "Generations that were taken back.", "task"),
		shadowFrames:  counters("edge_shadow_frames_total", "Frames on which a shadow was compared with the generation that serves.", "task"),
		shadowSame:    counters("edge_shadow_agreed_total", "Frames on which both had the same likeliest class.", "task"),
		shadow:        histogram("edge_shadow_seconds", "Seconds of preprocessing, base and head of the shadow; what it shares with the active generation counts."),
		shadowShift:   gauge("edge_shadow_score_shift", "Mean top score of the shadow less that of the generation that serves, on the same frames."),
		adapts:        counters("edge_adapts_total", "Adaptations that have ended, by result: done or failed.", "task", "result"),
		events:        counters("edge_events_total", "Events published, by kind.", "task", "kind"),
	}
}

// all returns every vector.
func (v *taskVectors) all() []prometheus.Collector {
	var all []prometheus.Collector
	for _, one := range v.vectors() {
		all = append(all, one)
	}
	return all
}

// vector is what all kinds of vectors have in common.
type vector interface {
	prometheus.Collector
	DeletePartialMatch(labels prometheus.Labels) int
}

func (v *taskVectors) vectors() []vector {
	return []vector{
		v.frames, v.skipped, v.images, v.imagesFailed, v.latency, v.wait, v.preprocess, v.base, v.head, v.sourceUp, v.sourceFrames,
		v.dropped, v.sourceSkipped, v.reconnects, v.generation, v.probation, v.adapting, v.swaps, v.refused, v.rollbacks,
		v.shadow, v.shadowShift, v.shadowFrames, v.shadowSame, v.adapts, v.events,
	}
}

func (v *taskVectors) of(task string) *Task {
	return &Task{
		Frames:          v.frames.WithLabelValues(task),
		SkippedInterval: v.skipped.WithLabelValues(task, "interval"),
		SkippedStill:    v.skipped.WithLabelValues(task, "still"),
		SkippedError:    v.skipped.WithLabelValues(task, "error"),
		Images:          v.images.WithLabelValues(task),
		ImagesFailed:    v.imagesFailed.WithLabelValues(task),
		Latency:         v.latency.WithLabelValues(task),
		Wait:            v.wait.WithLabelValues(task),
		Preprocess:      v.preprocess.WithLabelValues(task),
		Base:            v.base.WithLabelValues(task),
		Head:            v.head.WithLabelValues(task),
		SourceUp:        v.sourceUp.WithLabelValues(task),
		SourceFrames:    v.sourceFrames.WithLabelValues(task),
		Dropped:         v.dropped.WithLabelValues(task),
		SourceSkipped:   v.sourceSkipped.WithLabelValues(task),
		Reconnects:      v.reconnects.WithLabelValues(task),
		Shadow:          v.shadow.WithLabelValues(task),
		ShadowShift:     v.shadowShift.WithLabelValues(task),
		Generation:      v.generation.WithLabelValues(task),
		Probation:       v.probation.WithLabelValues(task),
		Adapting:        v.adapting.WithLabelValues(task),
		Swaps:           v.swaps.WithLabelValues(task),
		Refused:         v.refused.WithLabelValues(task),
		Rollbacks:       v.rollbacks.WithLabelValues(task),
		ShadowFrames:    v.shadowFrames.WithLabelValues(task),
		ShadowSame:      v.shadowSame.WithLabelValues(task),
		AdaptsDone:      v.adapts.WithLabelValues(task, "done"),
		AdaptsFailed:    v.adapts.WithLabelValues(task, "failed"),
		events:          v.events,
		name:            task,
	}
}

func (v *taskVectors) forget(task string) {
	for _, one := range v.vectors() {
		one.DeletePartialMatch(prometheus.Labels{"task": task})
	}
}
