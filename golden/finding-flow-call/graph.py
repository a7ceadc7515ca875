from stepwell.flow import http, js, workflow

with workflow("Flow call", trigger=http("POST", "/calls")) as flow:
    fetch = flow.http("Fetch", "https://api.example.com/", metod="POST")
    flow.stepp("Misspelt", js("return 1;"))
    with flow.branch("Ok?") as ok:
        flow.step("Between the arms", js("return 1;"))
        with ok.when(fetch.status == 200):
            flow.step("Good", js("return 1;"))
