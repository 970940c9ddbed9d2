"""The reference's head in PyTorch, on arrays.

    PYTHONPATH=.deps/torch python head_torch.py --arrays DIR --epochs N --seed N

Batches are slices of a shuffled index, which is several times faster than a
DataLoader over arrays that are in memory anyway.
"""

import time

import arrays
import torch


def accuracy(model, features, labels):
    with torch.inference_mode():
        return (model(features).argmax(1) == labels).float().mean().item()


def main():
    o = arrays.options(__doc__)
    classes, splits = arrays.read(o.arrays)
    torch.manual_seed(o.seed)
    data = {name: (torch.from_numpy(x), torch.from_numpy(y).long()) for name, (x, y) in splits.items()}
    features, labels = data["train"]
    model = torch.nn.Sequential(torch.nn.Linear(features.shape[1], 128), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(128, classes))
    optimizer, loss_of = torch.optim.Adam(model.parameters(), 1e-3), torch.nn.CrossEntropyLoss()
    seconds = []
    for _ in range(o.epochs):
        start = time.monotonic()
        model.train()
        for rows in torch.randperm(len(labels)).split(32):
            optimizer.zero_grad()
            loss_of(model(features[rows]), labels[rows]).backward()
            optimizer.step()
        model.eval()
        accuracy(model, *data["val"])
        seconds.append(time.monotonic() - start)
    arrays.answer(accuracy(model, *data["val"]), accuracy(model, *data["test"]), seconds)


if __name__ == "__main__":
    main()
