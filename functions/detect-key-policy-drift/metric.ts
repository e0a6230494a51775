/**
 * Counts a key that drifted in the metric KeyPolicyDrift, by a line of the log in CloudWatch's embedded metric format
 * (CloudWatch user guide, "Specification: Embedded metric format").
 *
 * By hand, since @aws-lambda-powertools/metrics adds 12 KB to a bundle that has no room for them.
 */
export function countDrift(namespace: string): void {
  const line = {
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: [
        { Namespace: namespace, Dimensions: [['service']], Metrics: [{ Name: 'KeyPolicyDrift', Unit: 'Count' }] },
      ],
    },
    service: 'detect-key-policy-drift',
    KeyPolicyDrift: 1,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
