// The official client, driven by lines of JSON: {"op": ...} in, one line out for each. No test is here: what is right,
// tests/e2e/test_mcp_client.py says.
//   connect  transport "http" (url, key) or "stdio" (command, args, env)
//   list, ping, close
//   call     name, arguments        begin, abort: the same, and what the client says when it is given up
"use strict";
const { createRequire } = require("node:module");
const readline = require("node:readline");
const sdk = createRequire(process.argv[2] + "/");
const { Client } = sdk("@modelcontextprotocol/sdk/client/index.js");
const { StreamableHTTPClientTransport } = sdk("@modelcontextprotocol/sdk/client/streamableHttp.js");
const { StdioClientTransport } = sdk("@modelcontextprotocol/sdk/client/stdio.js");

let client, transport, begun, controller;

function connection(order) {
  if (order.transport === "stdio") return new StdioClientTransport({ command: order.command, args: order.args, env: order.env, stderr: "ignore" });
  const headers = { Authorization: `Bearer ${order.key}` };
  return new StreamableHTTPClientTransport(new URL(order.url), { requestInit: { headers } });
}

const orders = {
  async connect(order) {
    client = new Client({ name: "ward's tests", version: "1" });
    transport = connection(order);
    await client.connect(transport);
    return { server: client.getServerVersion(), capabilities: client.getServerCapabilities(), instructions: client.getInstructions() };
  },
  async list() { return await client.listTools(); },
  async ping() { return await client.ping(); },
  async call(order) { return await client.callTool({ name: order.name, arguments: order.arguments }); },
  async begin(order) {
    controller = new AbortController();
    begun = client.callTool({ name: order.name, arguments: order.arguments }, undefined, { signal: controller.signal }).then(
      (value) => ({ value }), (error) => ({ error: String(error) }));
    return {};
  },
  async abort() {
    controller.abort("not wanted any more");
    return await begun;
  },
  async close() {
    await client.close();
    return {};
  },
};

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    let answer;
    try {
      answer = { result: await orders[order.op](order) };
    } catch (error) {
      answer = { error: String(error.message ?? error), code: error.code };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
  process.exit(0);
})();
