/**
 * Reports what a service counts to CloudWatch, as values of now: those of one namespace with the same dimensions, by the names of the metrics.
 * @param unit default: `Count`
 */
export type Meter = (
  namespace: string,
  dimensions: Readonly<Record<string, string>>,
  values: Readonly<Record<string, number>>,
  unit?: 'Count' | 'Milliseconds' | 'Seconds' | 'Bytes',
) => void;

/** Where nobody counts. */
export const noMeter: Meter = () => {};
