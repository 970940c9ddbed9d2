"""Has Keras write MobileNetV2 in all its file formats, and say what the features are.

    PYTHONPATH=.deps/keras python3 models/base/keras/testdata/reference.py FOLDER

FOLDER gets the files, the features of one picture for each network as float32,
and cases.json. Weights and the statistics of batch norm are random, so that every
part of them counts.
"""

import json
import os
import sys
import zipfile

import h5py
import keras
import numpy as np
from keras.src.legacy.saving import legacy_h5_format

SIDE = 96


def randomise(model, seed):
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            n = layer.gamma.shape[0]
            layer.set_weights([
                rng.uniform(0.5, 1.6, n) * rng.choice([1, 1, 1, -1], n),
                rng.normal(0, 0.4, n),
                rng.normal(0, 0.5, n),
                rng.uniform(0.05, 2.5, n),
            ])
        elif layer.get_weights():
            layer.set_weights([
                rng.normal(0, 1.2 / np.sqrt(max(1, np.prod(w.shape[:-2] if "depthwise" in layer.name else w.shape[:-1]))), w.shape)
                for w in layer.get_weights()
            ])


def picture(height, width):
    """Any picture will do; Go makes the same one."""
    n = np.arange(height * width * 3, dtype=np.int64)
    return ((n * 7919 % 511) / 255 - 1).astype(np.float32).reshape(1, height, width, 3)


def features(model, height, width):
    body = keras.Model(model.inputs, model.get_layer("out_relu").output)
    out = np.asarray(body(picture(height, width), training=False), np.float64)
    return out.mean(axis=(1, 2))[0].astype("<f4")


def build(alpha, side=SIDE, **how):
    keras.backend.clear_session()
    return keras.applications.MobileNetV2(input_shape=(side, side, 3), weights=None, alpha=alpha, **how)


def copied(source, target, change=lambda f: None, **how):
    """Copies an HDF5 file by its content, and changes it."""
    with h5py.File(source) as a, h5py.File(target, "w", **how) as b:
        for name in a:
            a.copy(name, b)
        for name, value in a.attrs.items():
            b.attrs[name] = value
        change(b)


def unnamed(f):
    """As the first versions of Keras 3 wrote it, without the names of layers."""
    groups = []
    f.visititems(lambda name, o: groups.append(o))
    for o in groups:
        if "name" in o.attrs:
            del o.attrs["name"]


def as_keras2(f):
    """Keras 2 put :0 behind the names of weights, and called depthwise kernels so."""
    for layer in f.attrs["layer_names"]:
        names = []
        for path in f[layer].attrs["weight_names"]:
            new = path + ":0"
            if "depthwise" in layer and path.endswith("/kernel"):
                new = path[: -len("kernel")] + "depthwise_kernel:0"
            f[layer].move(path, new)
            names.append(new.encode())
        f[layer].attrs["weight_names"] = np.array(names) if names else np.zeros(0, "S1")
    f.attrs["layer_names"] = np.array([x.encode() for x in f.attrs["layer_names"]])


def renamed(f):
    """Other names, in the same order."""
    layers = []
    for i, layer in enumerate(f.attrs["layer_names"]):
        new = f"z{(i * 61) % 997:03d}"  # an order that is not that of the names
        f.move(layer, new)
        names = []
        for path in f[new].attrs["weight_names"]:
            moved = path.replace(layer.decode() if isinstance(layer, bytes) else layer, new)
            f[new].move(path, moved)
            names.append(moved)
        f[new].attrs["weight_names"] = names if names else np.zeros(0, "S1")
        layers.append(new)
    f.attrs["layer_names"] = layers


def packed(source, target):
    with h5py.File(source) as a, h5py.File(target, "w") as b:
        def visit(name, o):
            if isinstance(o, h5py.Dataset):
                big = o.size > 1
                b.create_dataset(name, data=o[()], chunks=True if big else None, compression=4 if big else None, shuffle=big or None)
            else:
                b.require_group(name).attrs.update(o.attrs)
        a.visititems(visit)


def main(folder):
    cases, known = [], {}

    def case(file, model, height=SIDE, width=None, input=0, **more):
        width = width or height
        if model not in known:
            known[model] = features(model, height, width)
        want = known[model]
        want.tofile(os.path.join(folder, file + ".f32"))
        cases.append(dict(file=file, height=height, width=width, input=input, features=len(want), **more))

    at = lambda name: os.path.join(folder, name)

    # Every format, of the narrowest network.
    m = build(0.35, include_top=False)
    randomise(m, 1)
    m.save_weights(at("narrow.weights.h5"))
    case("narrow.weights.h5", m, alpha=0.35, by="name", why="the name")
    copied(at("narrow.weights.h5"), at("unnamed.weights.h5"), unnamed)
    case("unnamed.weights.h5", m, alpha=0.35, by="order", why="you asked", input=96)
    copied(at("narrow.weights.h5"), at("latest.weights.h5"), libver="latest")
    case("latest.weights.h5", m, alpha=0.35, by="name", why="the name")
    packed(at("narrow.weights.h5"), at("packed.weights.h5"))
    case("packed.weights.h5", m, alpha=0.35, by="name", why="the name")
    with h5py.File(at("keras3.h5"), "w") as f:
        legacy_h5_format.save_weights_to_hdf5_group(f, m)
    case("keras3.h5", m, alpha=0.35, by="name", why="you asked", input=96)
    copied(at("keras3.h5"), at("keras2.h5"), as_keras2)
    case("keras2.h5", m, alpha=0.35, by="name", why="you asked", input=96)
    copied(at("keras3.h5"), at("renamed.h5"), renamed)
    case("renamed.h5", m, alpha=0.35, by="order", why="you asked", input=96)
    m.save(at("whole.h5"))
    case("whole.h5", m, alpha=0.35, by="name", why="the file's model")
    m.save(at("whole.keras"))
    case("whole.keras", m, alpha=0.35, by="name", why="the file's model")

    # As a layer of another model, with the optimizer's weights beside it.
    nested = keras.Sequential([m, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)])
    nested.build((None, SIDE, SIDE, 3))
    nested.compile("adam", "mse")
    nested.optimizer.build(nested.trainable_variables)
    for name in ["nested.h5", "nested.weights.h5", "nested.keras"]:
        getattr(nested, "save_weights" if "weights" in name else "save")(at(name))
        case(name, m, alpha=0.35, by="name", why="the name" if "weights" in name else "the file's model", top=True)

    # The top goes; other epsilons, and pictures that are not square, are in the configuration.
    m = build(0.5, include_top=True, classes=7)
    randomise(m, 2)
    m.save_weights(at("top.weights.h5"))
    case("top.weights.h5", m, alpha=0.5, by="name", why="the name", top=True)
    odd = keras.applications.MobileNetV2(input_shape=(64, 101, 3), weights=None, alpha=0.5, include_top=False)
    odd = keras.models.clone_model(odd, clone_function=lambda l: l.__class__.from_config(
        {**l.get_config(), **({"epsilon": 0.07} if isinstance(l, keras.layers.BatchNormalization) else {})}))
    randomise(odd, 3)
    odd.save(at("epsilon.h5"))
    case("epsilon.h5", odd, height=64, width=101, alpha=0.5, by="name", why="the file's model")

    # Two are too many; another network is none.
    a, b = build(0.35, include_top=False, pooling="avg", name="left"), build(0.35, include_top=False, pooling="avg", name="right")
    i = keras.Input((SIDE, SIDE, 3))
    two = keras.Model(i, keras.layers.add([a(i), b(i)]))
    two.save_weights(at("two.weights.h5"))
    two.save(at("two.h5"))
    keras.backend.clear_session()
    for name, net in [("v1", keras.applications.MobileNet), ("v3", keras.applications.MobileNetV3Small)]:
        other = net(input_shape=(SIDE, SIDE, 3), weights=None, include_top=False)
        other.save_weights(at(name + ".weights.h5"))
        other.save(at(name + ".h5"))
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(at("dense.h5"))
    with zipfile.ZipFile(at("other.zip"), "w") as z:
        z.writestr("readme.txt", "nothing")

    # The wide ones, one odd size.
    for alpha, side in [(1.0, 96), (1.4, 75)]:
        m = build(alpha, side, include_top=False)
        randomise(m, int(alpha * 10))
        m.save_weights(at(f"wide{alpha}.weights.h5"))
        case(f"wide{alpha}.weights.h5", m, height=side, alpha=alpha, by="name", why="the name")

    with open(at("cases.json"), "w") as f:
        json.dump(cases, f)


if __name__ == "__main__":
    main(sys.argv[1])
