// Package rebase fits a task's head anew for a new base, on the device's own
// samples, and says whether the result is to take the place of what is in use.
//
// A head means nothing on another base, and a published head knows nothing of
// the device's own classes. So nothing is overwritten: the device's samples go
// through the new base, a head is trained on them, and both heads, each on its
// base, are asked about the same images, which neither was trained on.
//
// # Classes
//
// The new head knows the classes of the device's samples and those of the
// release, if it brings a head. Where the two do not agree (Conflict) the
// device's spelling stays, and its samples decide what a class is.
//
// Classes of the release that the device has no samples of are learnt from the
// release's Exemplars. Without exemplars they are left out: a head that takes
// over the last layer's weights for them, the only other thing there is, knows
// them 19 to 41 times of 100 where exemplars make it 63 to 66. A picture of a
// class that was left out may be told as unknown, one of a class half known is
// named wrongly. No more exemplars of a class are taken than the
// device has samples a class, but five. docs/rebase.md has the measurements.
//
// The device's own classes come first. Those that it has no samples of are held to
// be a quarter as frequent, so that of two that look alike its own is told. And
// if a head with all classes is refused for being worse, a head of the device's
// own alone is offered instead (Outcome.Costly).
//
// A class that the head in use knows and that neither samples nor release bring
// is a reason to refuse.
//
// # The rule
//
// Compared are the held-out images of the classes that both heads know, told
// from all classes that each knows but those that the device has taught itself
// since, which say nothing about the base. The new head is activated if it gets
// more of them right; or as many, with a loss that is at most 0.01 nats higher; or
// one fewer, with a loss that is no higher. Otherwise it is refused. Input.Margin
// moves that: above zero it also lets through what is worse by so much, and below
// zero nothing that is not better by so much.
//
// A device holds back a dozen images. One of them more or less is chance, which
// the loss, a number an image, tells better; a test of significance never
// refuses anything with so few. docs/rebase.md compares the rule with others.
//
// # Without samples
//
// The published head is taken as it is, if its self-test passes.
package rebase
