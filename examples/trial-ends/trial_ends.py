"""The end of a trial: reminds a customer in time, and sees what comes of it.

This file is read, never run, by `stepwell`: `stepwell check trial_ends.py`. It can be imported all the same.
"""

from stepwell.flow import env, http, js, or_, ref, retry, workflow

CRM = "https://crm.example.com"

# Everything that speaks to the CRM authenticates like this.
CRM_HEADERS = {"Authorization": "Bearer {{env.CRM_TOKEN}}"}


with workflow(
    "Trial ends",
    trigger=http("POST", "/trials"),
    description="Reminds a customer before the trial ends, waits for an answer, and closes the trial.",
) as flow:
    trial = flow.step(
        "Read trial",
        js("""
            const { customer, email, endsAt } = event.payload;
            if (!customer || !email) {
              throw new NonRetryableError("a trial has a customer and an email");
            }
            const ends = new Date(endsAt);
            return { customer, email, endsAt, remindAt: new Date(ends.getTime() - 3 * 86_400_000).toISOString() };
        """),
    )
    flow.sleep_until("Three days before", ref(trial).remindAt)

    # Whoever has not used the product needs another mail than whoever has.
    usage = flow.http(
        "Usage",
        f"{CRM}/customers/{ref(trial).customer}/usage",
        headers=CRM_HEADERS,
        retries=retry(5, "30 seconds", "exponential"),
    )
    with flow.branch("Used it?") as used:
        with used.when(ref(usage).body.sessions > 3, label="often"):
            flow.step("Praise", js("return { subject: 'You are doing great', text: 'Keep your data: upgrade.' };"))
        with used.when(ref(usage).body.sessions > 0, label="a little"):
            flow.step("Encourage", js("return { subject: 'Three days left', text: 'Shall we show you around?' };"))
        with used.otherwise(label="never"):
            # Nothing to remind of: the trial just ends.
            flow.http(
                "Close unused",
                f"{CRM}/customers/{ref(trial).customer}/trial",
                method="DELETE",
                headers=CRM_HEADERS,
            )
            flow.end()

    # The text is put together in a file of its own, with types and an editor that knows TypeScript.
    mail = flow.step("Write mail", js(file="mail.ts"))
    flow.http(
        "Send mail",
        "https://mail.example.com/send",
        method="POST",
        headers={"Authorization": f"Bearer {env.MAIL_TOKEN}"},
        body={"to": ref(trial).email, "subject": ref(mail).subject, "text": ref(mail).text},
        idempotency_key=True,
    )

    # Whatever happens first: the customer upgrades, or the trial is over.
    with flow.race("Answer") as answer:
        with answer.arm("upgraded"):
            flow.wait_for_event("Upgrade", "upgraded", timeout="30 days")
        with answer.arm("over"):
            flow.sleep("Last days", "3 days")
            flow.step("Over", js("return { type: 'over' };"))

    with flow.branch("Upgraded?") as upgraded:
        with upgraded.when(ref(answer).type == "upgraded", label="yes"):
            flow.http(
                "Welcome",
                f"{CRM}/customers/{ref(trial).customer}/plan",
                method="PUT",
                headers=CRM_HEADERS,
                body={"plan": or_(ref(answer).payload.plan, "basic")},
            )
        with upgraded.otherwise(label="no"):
            with flow.try_("Close the trial") as closing:
                with closing.try_():
                    flow.http(
                        "Close trial",
                        f"{CRM}/customers/{ref(trial).customer}/trial",
                        method="DELETE",
                        headers=CRM_HEADERS,
                    )
                with closing.catch():
                    # Nobody shall be charged because the CRM was away: a person looks at it.
                    flow.step("Tell support", js("console.warn(`trial not closed: ${err.message}`); return null;"))

    flow.step(
        "EXPORT_result",
        js("return { customer: {{read_trial.customer}}, upgraded: {{answer.type}} === 'upgraded' };"),
    )
