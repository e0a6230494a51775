import { ExecutionAlreadyExists, type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { executionArnOf } from './arns.ts';
import { InvalidRequest } from './errors.ts';

/** Step Functions' limit for an execution's input (service quotas, "Maximum input or output size"). */
const maxInputBytes = 256 * 1024;

/**
 * Starts an execution for a request, or finds the one that was started under this name before.
 * @param name at most 80 letters, digits, hyphens and underscores; Step Functions keeps it for 90 days
 * @returns the execution's ARN
 * @throws InvalidRequest when the request is too large for an execution
 */
export async function startOnboarding(
  stepFunctions: SFNClient,
  { stateMachineArn, name, request }: { stateMachineArn: string; name: string; request: unknown },
): Promise<string> {
  const input = JSON.stringify(request);
  if (Buffer.byteLength(input) > maxInputBytes) throw new InvalidRequest('request', 'must be at most 256 KiB');
  try {
    await stepFunctions.send(new StartExecutionCommand({ stateMachineArn, name, input }));
  } catch (error) {
    if (!(error instanceof ExecutionAlreadyExists)) throw error;
  }
  return executionArnOf(stateMachineArn, name);
}
