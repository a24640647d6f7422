"""The pages every kind of deposited case has: opinions, complements, decision, messages…"""
