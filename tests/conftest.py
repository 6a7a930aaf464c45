"""What the tests share that are no notebooks."""

import os

# Two workers share the cores: threads of scikit-learn would wait for each other, and
# a k-means of 0.1 s take 20 s. One thread each is faster, and sums in one order.
os.environ.setdefault("OMP_NUM_THREADS", "1")
