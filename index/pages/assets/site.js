// Everything is readable without this script; it hides what does not fit what the visitor picks.
"use strict";

(() => {
  const STORE = "gpu-wheels-pick";
  const body = document.body;
  const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));

  // The site's own address, where its settings do not say it.
  function fillInAddress() {
    const unknown = body.dataset.unknownBase;
    if (!unknown) return;
    const here = new URL(body.dataset.up, location.href).href.replace(/\/$/, "");
    // What a shell or a notebook reads as something else is quoted as an address.
    const base = here.replace(/[^A-Za-z0-9@%+:,.\/_-]/g, (one) =>
      encodeURIComponent(one).replace(/[!'()*~]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase()));
    for (const place of all("code, .roots span")) {
      const texts = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        texts.currentNode.data = texts.currentNode.data.replaceAll(unknown + "/", base + "/");
      }
    }
    for (const note of all("[data-place]")) note.hidden = true;
  }

  function remembered() {
    try {
      return JSON.parse(localStorage.getItem(STORE)) || {};
    } catch {
      return {};
    }
  }

  function remember(pick) {
    try {
      localStorage.setItem(STORE, JSON.stringify(pick));
    } catch {
      // A browser that keeps nothing still shows the line.
    }
  }

  function showOffers(pick) {
    for (const group of all("[data-offers]")) {
      const offers = all("[data-cuda]", group);
      const fitting = offers.filter((offer) => offer.dataset.pythons.split(" ").includes(pick.python));
      const own = fitting.filter((offer) => offer.dataset.cuda === pick.cuda);
      const shown = own.length ? own : fitting.filter((offer) => offer.dataset.cuda === "");
      for (const offer of offers) offer.hidden = !shown.includes(offer);
      const none = group.querySelector("[data-none]");
      none.hidden = shown.length > 0 || offers.length === 0;
      const near = offers.filter((offer) => ["", pick.cuda].includes(offer.dataset.cuda));
      const has = (near.length ? near : offers).map((offer) => offer.querySelector(".for").textContent);
      const cuda = pick.cuda ? `CUDA ${pick.cudaName} with ` : "";
      none.textContent = `There is no file for ${cuda}Python ${pick.python}. There is: ${has.join("; ")}.`;
    }
  }

  function setUpPicker() {
    const form = document.querySelector("[data-picker]");
    if (!form) return;
    const kept = remembered();
    for (const input of all("input", form)) {
      if (kept[input.name] === input.value) input.checked = true;
    }
    const read = () => {
      const chosen = (name) => form.querySelector(`input[name=${name}]:checked`);
      const cuda = chosen("cuda");
      return {
        cuda: cuda ? cuda.value : "",
        cudaName: cuda ? cuda.nextElementSibling.textContent : "",
        python: chosen("python") ? chosen("python").value : "",
      };
    };
    form.addEventListener("change", () => {
      const pick = read();
      remember({ cuda: pick.cuda, python: pick.python });
      showOffers(pick);
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    showOffers(read());
  }

  async function toClipboard(text, code) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // No clipboard for pages over plain http: select the line, and let the old command try.
      getSelection().selectAllChildren(code);
      return document.execCommand("copy");
    }
  }

  function setUpCopying() {
    const said = document.createElement("p");
    said.className = "unseen";
    said.setAttribute("role", "status");
    body.append(said);
    for (const button of all("[data-copy]")) {
      const code = button.parentElement.querySelector("code");
      button.hidden = false;
      button.addEventListener("click", async () => {
        const done = await toClipboard(code.textContent, code);
        button.textContent = done ? "Copied" : "Selected";
        said.textContent = done ? "Copied to the clipboard" : "The line is selected; copy it";
        button.classList.toggle("done", true);
        setTimeout(() => {
          button.textContent = "Copy";
          said.textContent = "";
          button.classList.remove("done");
        }, 2000);
      });
    }
  }

  function setUpSearch() {
    const box = document.querySelector("[data-search]");
    const list = document.querySelector("[data-packages]");
    if (!box || !list || !list.children.length) return;
    const found = document.querySelector("[data-found]");
    const items = Array.from(list.children, (item) => {
      const words = all("a, .summary", item).map((one) => one.textContent).join(" ");
      return [item, words.toLowerCase()];
    });
    const input = box.querySelector("input");
    const search = () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const [item, words] of items) {
        const fits = wanted.every((word) => words.includes(word) || words.includes(word.replaceAll("_", "-")));
        item.hidden = !fits;
        if (fits) count += 1;
      }
      found.textContent = wanted.length ? `${count} of ${items.length} packages` : "";
    };
    input.addEventListener("input", search);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        input.value = "";
        search();
      }
    });
    box.hidden = false;
    search();
  }

  function openWhatIsLinked() {
    const target = location.hash === "#which" && document.getElementById("which");
    if (target) target.open = true;
  }

  fillInAddress();
  setUpPicker();
  setUpCopying();
  setUpSearch();
  openWhatIsLinked();
  addEventListener("hashchange", openWhatIsLinked);
})();
