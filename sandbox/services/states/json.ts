/** Step Functions' limit for inputs and outputs of states, in bytes. */
export const maxPayloadBytes = 262_144;

/** Whether a JSON text is longer than an input or output may be. */
export const isTooLarge = (text: string) => Buffer.byteLength(text) > maxPayloadBytes;

/** What Step Functions keeps of a cause, in characters. */
export const maxCauseLength = 32_768;

/** Whether a text is JSON, as inputs and outputs must be. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
