import { answered, fact, type Recordings, refused } from '../fact.ts';

const name = 'infinstor-onboarding-sandbox-create-subscriber';

export const lambda: Recordings = {
  service: 'lambda',
  file: 'lambda_/test_lambda.snapshot.json',
  tests: [
    {
      test: 'TestLambdaFeatures::test_invoke_exceptions',
      date: '2025-11-24',
      steps: [
        fact(
          'invoke_function_doesnotexist',
          'Invoke',
          { FunctionName: 'doesnotexist' },
          refused(
            'ResourceNotFoundException',
            'Function not found: arn:aws:lambda:us-east-1:111111111111:function:doesnotexist:$LATEST',
            404,
          ),
        ),
      ],
    },
    {
      test: 'TestLambdaFunction::test_get_function_wrong_region[invoke]',
      file: 'lambda_/test_lambda_api.snapshot.json',
      date: '2025-11-25',
      steps: [
        fact(
          'wrong_region_exception',
          'Invoke',
          { FunctionName: `arn:aws:lambda:eu-west-1:111111111111:function:${name}` },
          refused(
            'ResourceNotFoundException',
            "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
            404,
          ),
        ),
      ],
    },
    {
      test: 'TestLambdaFunction::test_get_function_wrong_region[get_function]',
      file: 'lambda_/test_lambda_api.snapshot.json',
      date: '2025-11-25',
      steps: [
        fact(
          'wrong_region_exception',
          'GetFunction',
          { FunctionName: `arn:aws:lambda:eu-west-1:111111111111:function:${name}` },
          refused(
            'ResourceNotFoundException',
            "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
            404,
          ),
        ),
      ],
    },
    {
      test: 'TestLambdaFunction::test_list_functions',
      file: 'lambda_/test_lambda_api.snapshot.json',
      date: '2025-11-25',
      steps: [
        fact(
          'list_functions_invalid_functionversion',
          'ListFunctions',
          { FunctionVersion: 'invalid' },
          refused(
            'ValidationException',
            "1 validation error detected: Value 'invalid' at 'functionVersion' failed to satisfy constraint: Member must satisfy enum value set: [ALL]",
          ),
        ),
      ],
    },
    {
      test: 'TestLambdaFeatures::test_invocation_type_dry_run[nodejs16.x]',
      date: '2022-09-09',
      steps: [
        fact(
          'invoke-result',
          'Invoke',
          { FunctionName: name, InvocationType: 'DryRun' },
          answered({ Payload: '<nothing>', StatusCode: 204 }, 204),
        ),
      ],
    },
    {
      test: 'TestLambdaErrors::test_lambda_invoke_payload_encoding_error[message-\\x99\\xeb,j\\x07\\xa1zYh]',
      date: '2025-11-24',
      steps: [
        fact(
          'invoke_function_invalid_payload_message',
          'Invoke',
          { FunctionName: name, Payload: 'no json' },
          refused(
            'InvalidRequestContentException',
            'Could not parse request body into json: Could not parse payload into json: <place>',
          ),
        ),
      ],
    },
  ],
};
