/** Steps that read well on an axis. */
const steps = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
];
const mostBuckets = 120;

/** Width of a timeline's buckets in seconds: the finest that needs at most 120 of them. */
export function chooseBucketSeconds(spanSeconds: number): number {
  const fine = steps.find((step) => spanSeconds / step <= mostBuckets - 1);
  return fine ?? Math.ceil(spanSeconds / (mostBuckets - 1) / 86_400) * 86_400;
}

/** Where a timeline begins and how it is cut, in epoch milliseconds; buckets begin at whole steps of UTC. */
export function planBuckets({ firstMs, lastMs }: { firstMs: number; lastMs: number }): {
  fromMs: number;
  bucketSeconds: number;
  buckets: number;
} {
  const bucketSeconds = chooseBucketSeconds((lastMs - firstMs) / 1000);
  const width = bucketSeconds * 1000;
  const fromMs = Math.floor(firstMs / width) * width;
  return { fromMs, bucketSeconds, buckets: Math.floor((lastMs - fromMs) / width) + 1 };
}
