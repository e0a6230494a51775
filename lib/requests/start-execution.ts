import { ExecutionAlreadyExists, type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { executionArnOf } from '../aws/arns.ts';
import { InvalidRequest } from '../errors.ts';

/** Step Functions' limit for an execution's input (service quotas, "Maximum input or output size"). */
const maxInputBytes = 256 * 1024;

/**
 * The input of an execution for a request.
 * @throws InvalidRequest when it is too large for one
 */
export function executionInput(request: unknown): string {
  const input = JSON.stringify(request);
  if (Buffer.byteLength(input) > maxInputBytes) throw new InvalidRequest('request', 'must be at most 256 KiB');
  return input;
}

/**
 * Starts an execution with this input, or finds the one that was started under this name before.
 * @param name at most 80 letters, digits, hyphens and underscores; Step Functions keeps it for 90 days
 * @returns the execution's ARN
 */
export async function startOnboarding(
  stepFunctions: SFNClient,
  { stateMachineArn, name, input }: { stateMachineArn: string; name: string; input: string },
): Promise<string> {
  try {
    await stepFunctions.send(new StartExecutionCommand({ stateMachineArn, name, input }));
  } catch (error) {
    if (!(error instanceof ExecutionAlreadyExists)) throw error;
  }
  return executionArnOf(stateMachineArn, name);
}
