export default {
  async fetch(request, env) {
    if (request.method !== "POST") return new Response();
    try {
      const payload = await request.json().catch(() => undefined);
      return Response.json(await answer(payload));
    } catch (error) {
      return Response.json({ message: error.message }, { status: 500 });
    }
  },
};

async function answer(payload) {
  const { sku, country, quantity = 1 } = payload;
  const product = await retry(2, 20, () => call("GET", `https://catalogue.example.com/products/${sku}`));
  const [stock, tax] = await all([
    call("GET", `https://stock.example.com/levels/${sku}`),
    call("POST", "https://tax.example.com/rates", { country, class: product.body.taxClass }),
  ]);
  const net = product.body.price * quantity;
  const price = { net, gross: Math.round(net * (1 + tax.body.rate)) };
  if (stock.body.level < 5) await call("POST", "https://purchasing.example.com/orders", { sku, quantity: 50 });
  return { stock, price };
}

/** As Promise.all, but nothing goes on while one of them still runs. */
async function all(promises) {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

async function retry(limit, delay, work) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === limit || error.final) throw error;
    }
    await scheduler.wait(delay * 2 ** attempt);
  }
}

/** One request. What another attempt cannot mend is final. */
async function call(method, url, body) {
  const response = await fetch(url, {
    method,
    headers: body && { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const { status } = response;
  if (!response.ok) {
    const error = new Error(`${method} ${url} answered ${status}: ${text.slice(0, 200)}`);
    error.final = status < 500 && ![408, 425, 429].includes(status);
    throw error;
  }
  return { status, headers: Object.fromEntries(response.headers), body: parsed(response, text) };
}

function parsed(response, text) {
  if (!/[/+]json\b/i.test(response.headers.get("Content-Type"))) return text;
  try {
    return text.trim() === "" ? null : JSON.parse(text);
  } catch {
    return text;
  }
}
