from sparring.commands.cli import main

main()
