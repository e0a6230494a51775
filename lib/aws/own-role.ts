/**
 * Whose role calls are made with, for people. Its ARN would have to be asked for; its function is in the environment (Lambda developer
 * guide, "Defined runtime environment variables").
 */
export function ownRole(): string {
  const { AWS_LAMBDA_FUNCTION_NAME: functionName } = process.env;
  return functionName === undefined ? "the role of the step's function" : `the role of function ${functionName}`;
}
