"""Pictures: what is asked of image engines, what they can do, which takes what, and what came of it. Pure.

How the parts are used:

- A surface reads its dialect into an `ask.PictureAsk`, lets `checking.checked` refuse what no engine could do, and
  submits it as a job of kind ``image`` (`potluck.jobs.image`).
- The job makes it one ask for each picture (`ask.each`), chooses an engine (`placing`), whose `catalogue.Catalogue`
  says whether it can (`fitting.lacks`), and runs it by `potluck.backends.images.port`.
- What comes back is an `outcome.Picture` for each, kept as a part of the job as soon as its bytes are.

Samplers and schedulers have one name each here (`samplers`), whatever an engine or a client calls them.
"""
