// The drivers' common half: packages from the scratch folder, and one call a line.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

export const require = createRequire(new URL('./.scratch/', import.meta.url));

// Answers each line {id, op, args} on standard input with {id, data} or
// {id, error} on standard output. Calls may overlap. Standard output is for
// answers only.
export function serve(ops) {
  console.log = console.info = console.debug = console.error;
  createInterface({ input: process.stdin }).on('line', async (line) => {
    const { id, op, args } = JSON.parse(line);
    let answer;
    try {
      answer = { id, data: (await ops[op](...args)) ?? null };
    } catch (err) {
      answer = { id, error: told(err) };
    }
    process.stdout.write(JSON.stringify(answer) + '\n');
  });
}

// What a caller can learn from an error: of @roq/nodejs' HttpException, of a
// ClientError of graphql-request, or of any other.
function told(err) {
  const first = err.response?.errors?.[0];
  const inner = first?.extensions?.response;
  return {
    message: inner?.message ?? first?.message ?? err.message,
    code: err.errorCode ?? inner?.errorCode ?? first?.extensions?.code ?? '',
    status: err.statusCode ?? inner?.statusCode ?? err.response?.status ?? 0,
  };
}
